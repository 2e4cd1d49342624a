// The rows of channels: numbers that tasks pass to others.
using System;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;

namespace Bide.Bench;

internal static class Channels
{
    private const int Capacity = 256, Sides = 4;

    private static Channel<long> Between(int capacity, int sides) => Channel.CreateBounded<long>(
        new BoundedChannelOptions(capacity) { SingleReader = sides == 1, SingleWriter = sides == 1 });

    private static async Task Write(ChannelWriter<long> to, long count)
    {
        for (long i = 0; i < count; i++)
            await to.WriteAsync(i);
    }

    private static async Task Read(ChannelReader<long> from, long count)
    {
        for (long i = 0; i < count; i++)
            await from.ReadAsync();
    }

    // As many writers as readers, each of which passes `share` elements.
    internal static Func<long, Task> Passing(int capacity, int sides) => share =>
    {
        var between = Between(capacity, sides);
        var ends = new Task[2 * sides];
        for (int side = 0; side < sides; side++)
        {
            ends[2 * side] = Task.Run(() => Write(between.Writer, share));
            ends[2 * side + 1] = Task.Run(() => Read(between.Reader, share));
        }
        return Task.WhenAll(ends);
    };

    internal static Func<long, Task> One { get; } = Passing(Capacity, 1);

    internal static Func<long, Task> Four { get; } = Passing(Capacity, Sides);

    // What there is room for after each wait, and what is there.
    internal static Task InBatches(long count)
    {
        var between = Between(Capacity, 1);
        Task writing = Task.Run(async () =>
        {
            for (long i = 0; i < count && await between.Writer.WaitToWriteAsync();)
                while (i < count && between.Writer.TryWrite(i))
                    i++;
        });
        Task reading = Task.Run(async () =>
        {
            for (long i = 0; i < count && await between.Reader.WaitToReadAsync();)
                while (between.Reader.TryRead(out _))
                    i++;
        });
        return Task.WhenAll(writing, reading);
    }

    // Two channels, of which one is written to in each turn. A wait that lost is kept for the next.
    private sealed class Pair
    {
        private readonly Channel<long> _first = Between(1, 1), _second = Between(1, 1);
        private Task<bool>? _firstWait, _secondWait;

        internal ValueTask Write(long i) => ((i & 1) == 0 ? _first : _second).Writer.WriteAsync(i);

        internal async ValueTask<long> Select()
        {
            long element;
            while (!_first.Reader.TryRead(out element) && !_second.Reader.TryRead(out element))
            {
                _firstWait ??= _first.Reader.WaitToReadAsync().AsTask();
                _secondWait ??= _second.Reader.WaitToReadAsync().AsTask();
                if (await Task.WhenAny(_firstWait, _secondWait) == _firstWait)
                    _firstWait = null;
                else
                    _secondWait = null;
            }
            return element;
        }
    }

    internal static async Task SelectReady(long count)
    {
        var from = new Pair();
        for (long i = 0; i < count; i++)
        {
            await from.Write(i);
            await from.Select();
        }
    }

    private static async Task SelectInTurn(Pair from, Pair to, long turns, bool first)
    {
        for (long i = 0; i < turns; i++)
        {
            if (first)
                await to.Write(i);
            await from.Select();
            if (!first)
                await to.Write(i);
        }
    }

    // Two tasks answer each other: each select waits until the other one has written.
    internal static Task SelectWaiting(long turns)
    {
        Pair there = new(), back = new();
        Task answering = Task.Run(() => SelectInTurn(there, back, turns, false));
        return Task.WhenAll(answering, Task.Run(() => SelectInTurn(back, there, turns, true)));
    }

    // Two threads with a queue each, so that each element really crosses.
    internal static void Cross(long count)
    {
        var between = Between(Capacity, 1);
        var other = new Thread(() => new Workers.ThreadLoop().Run(() => Read(between.Reader, count)));
        other.Start();
        new Workers.ThreadLoop().Run(() => Write(between.Writer, count));
        other.Join();
    }
}
