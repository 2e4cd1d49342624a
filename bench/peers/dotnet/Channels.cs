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
