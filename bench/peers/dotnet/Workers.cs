// The rows of the scheduler: .NET's thread pool with as many threads as asked for; the wrapper that starts this
// program sets DOTNET_PROCESSOR_COUNT, because the pool does not go below the number of processors.

using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;

namespace Bide.Bench;

internal static class Workers
{
    // The same work in every language; participant.h has the words to it.
    private const long FibN = 27;
    private const long FibResult = 196_418;
    private const long FibCalls = 635_621;
    private const long FibLoad = 20;
    private const long SkynetLeaves = 1_000_000;
    private const long SkynetTasks = 1_111_111;
    private const int Injected = 10_000;
    private const double PauseMs = 1;
    private const double LoadMs = 1000;
    private const int IdleMs = 1000;
    private const double StageNs = 1e6;
    private const int StageItems = 50;
    private const int StageRuns = 5;
    private const long HiddenChain = 2000;
    private const double HiddenNs = 2e6;
    private const int HiddenRuns = 51;
    private const double LeafShortNs = 1e6;
    private const double LeafNs = 5e6;
    private const int LeafRuns = 15;

    private static long sink;

    internal static int Count { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("BENCH_WORKERS"), out int count) ? count : 0;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long Trivial(long key) => key + 1;

    private static async Task SpawnAwait(long count)
    {
        long sum = 0;
        for (long i = 0; i < count; i++)
        {
            long key = i;
            sum += await Task.Run(() => Trivial(key));
        }
        sink = sum;
    }

    // The one child is a task of the pool, the other is awaited in place.
    private static async Task<long> Fib(long n)
    {
        if (n < 2)
            return n;
        Task<long> first = Task.Run(() => Fib(n - 1));
        long second = await Fib(n - 2);
        return await first + second;
    }

    private static async Task ForkJoinFib(long count)
    {
        for (long i = 0; i < count; i++)
            if (await Fib(FibN) != FibResult)
                throw new InvalidOperationException("fib");
    }

    private static async Task<long> Skynet(long number, long leaves)
    {
        if (leaves == 1)
            return number;
        long part = leaves / 10;
        var children = new Task<long>[10];
        for (int i = 0; i < children.Length; i++)
        {
            long first = number + i * part;
            children[i] = Task.Run(() => Skynet(first, part));
        }
        long sum = 0;
        foreach (Task<long> child in children)
            sum += await child;
        return sum;
    }

    private static async Task SkynetOf(long count, long leaves)
    {
        for (long i = 0; i < count; i++)
            if (await Skynet(0, leaves) != leaves * (leaves - 1) / 2)
                throw new InvalidOperationException("skynet");
    }

    // round_trip_cross: two threads with a queue each; a baton's continuation goes to the queue of who awaits it

    internal sealed class ThreadLoop : SynchronizationContext
    {
        private readonly BlockingCollection<(SendOrPostCallback Callback, object? State)> queue = [];

        public override void Post(SendOrPostCallback d, object? state) => queue.Add((d, state));

        internal void Run(Func<Task> body)
        {
            SynchronizationContext? before = Current;
            SetSynchronizationContext(this);
            try
            {
                Task task = body();
                task.ContinueWith(_ => queue.CompleteAdding(), CancellationToken.None,
                    TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
                foreach (var (callback, state) in queue.GetConsumingEnumerable())
                    callback(state);
                task.GetAwaiter().GetResult();
            }
            finally
            {
                SetSynchronizationContext(before);
            }
        }
    }

    private static async Task Pinging(long count, Program.Baton ping, Program.Baton pong)
    {
        for (long i = 0; i < count; i++)
        {
            ping.HandOver(i);
            await pong.Taken();
        }
    }

    private static void RoundTripCross(long count)
    {
        Program.Baton ping = new(), pong = new();
        var other = new Thread(() => new ThreadLoop().Run(() => Program.Ponging(count, ping, pong)));
        other.Start();
        new ThreadLoop().Run(() => Pinging(count, ping, pong));
        other.Join();
    }

    private static void Inject(long count)
    {
        for (long i = 0; i < count; i++)
        {
            int left = Injected;
            using var done = new ManualResetEventSlim();
            for (int job = 0; job < Injected; job++)
            {
                long key = job;
                _ = Task.Run(() =>
                {
                    Trivial(key);
                    if (Interlocked.Decrement(ref left) == 0)
                        done.Set();
                });
            }
            done.Wait();
        }
    }

    // From before the result is set to the first line after the await, which runs on the pool.

    private static long wokeAt;

    private static async Task Listen(Task bell)
    {
        await bell.ConfigureAwait(false);
        Volatile.Write(ref wokeAt, Stopwatch.GetTimestamp());
    }

    private static void Spin(double ms)
    {
        for (var watch = Stopwatch.StartNew(); watch.Elapsed.TotalMilliseconds < ms;)
        {
        }
    }

    private static double WakeLatency(long count)
    {
        double sumNs = 0;
        for (long i = 0; i < count; i++)
        {
            var bell = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Task listening = Listen(bell.Task);
            Volatile.Write(ref wokeAt, 0);
            Spin(PauseMs);
            long rangAt = Stopwatch.GetTimestamp(), now;
            bell.SetResult();
            while ((now = Volatile.Read(ref wokeAt)) == 0)
            {
            }
            sumNs += Stopwatch.GetElapsedTime(rangAt, now).TotalNanoseconds;
            listening.Wait();
        }
        return sumNs;
    }

    // Computes; the words to it are in compute.h. It is optimised from the beginning.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static ulong Compute(long steps)
    {
        ulong x = (ulong)steps;
        for (long i = 0; i < steps; i++)
            x = unchecked(x * 6364136223846793005 + 1442695040888963407);
        return x;
    }

    // How many steps take so long on a CPU that does nothing else.
    private static long ComputeSteps(double wantedNs)
    {
        const long piece = 400_000;
        double least = double.MaxValue;
        for (int i = 0; i < 20; i++)
        {
            long started = Stopwatch.GetTimestamp();
            Compute(piece);
            least = Math.Min(least, Stopwatch.GetElapsedTime(started).TotalNanoseconds);
        }
        return (long)(wantedNs * piece / least);
    }

    private static double Median(double[] values)
    {
        Array.Sort(values);
        return values[values.Length / 2];
    }

    // Two tasks hand over through a channel for one item; the second one says that it has it.
    private static async Task SecondStage(ChannelReader<int> items, ChannelWriter<int> taken, long steps)
    {
        for (int i = 0; i < StageItems; i++)
        {
            await taken.WriteAsync(await items.ReadAsync());
            Compute(steps);
        }
    }

    private static async Task Pipeline(long steps)
    {
        Channel<int> items = Channel.CreateBounded<int>(1), taken = Channel.CreateBounded<int>(1);
        Task second = Task.Run(() => SecondStage(items.Reader, taken.Writer, steps));
        for (int i = 0; i < StageItems; i++)
        {
            Compute(steps);
            if (i > 0)
                await taken.Reader.ReadAsync();
            await items.Writer.WriteAsync(i);
        }
        await second;
    }

    private static double PipelineOverlap(long count)
    {
        double[] ratios = new double[StageRuns];
        for (int run = 0; run < StageRuns; run++)
        {
            long steps = ComputeSteps(StageNs);
            long started = Stopwatch.GetTimestamp();
            Task.Run(() => Pipeline(steps)).Wait();
            ratios[run] = Stopwatch.GetElapsedTime(started).TotalNanoseconds / ((StageItems + 1) * StageNs);
        }
        return Median(ratios);
    }

    private static async Task Publish(long steps, double[] tookUs)
    {
        for (int run = 0; run < HiddenRuns; run++)
        {
            await SpawnAwait(HiddenChain);
            long published = Stopwatch.GetTimestamp();
            Task<double> other = Task.Run(() => Stopwatch.GetElapsedTime(published).TotalMicroseconds);
            Compute(steps);
            tookUs[run] = await other;
        }
    }

    private static double HiddenRun(long count)
    {
        double[] tookUs = new double[HiddenRuns];
        long steps = ComputeSteps(HiddenNs);
        Task.Run(() => Publish(steps, tookUs)).Wait();
        return Median(tookUs);
    }

    private static async Task ForkBesideLeaf(long shortSteps, long steps, double[] ratios)
    {
        for (int run = 0; run < LeafRuns; run++)
        {
            await Fib(FibLoad);
            long started = Stopwatch.GetTimestamp();
            Task<ulong> first = Task.Run(() => Compute(shortSteps)), second = Task.Run(() => Compute(steps));
            Compute(steps);
            await second;
            await first;
            ratios[run] = Stopwatch.GetElapsedTime(started).TotalNanoseconds / (LeafShortNs + LeafNs);
        }
    }

    private static double HiddenLeaf(long count)
    {
        double[] ratios = new double[LeafRuns];
        long steps = ComputeSteps(LeafNs);
        Task.Run(() => ForkBesideLeaf((long)(steps * LeafShortNs / LeafNs), steps, ratios)).Wait();
        return Median(ratios);
    }

    private static double IdleCpuUs(long count)
    {
        for (var watch = Stopwatch.StartNew(); watch.Elapsed.TotalMilliseconds < LoadMs;)
            Task.Run(() => Fib(FibLoad)).Wait();
        double before = Environment.CpuUsage.TotalTime.TotalMicroseconds;
        Thread.Sleep(IdleMs);
        return Environment.CpuUsage.TotalTime.TotalMicroseconds - before;
    }

    private static async Task Turns(SemaphoreSlim permits, long count, bool givesWay)
    {
        await Task.Yield();
        for (long i = 0; i < count; i++)
        {
            await permits.WaitAsync();
            if (givesWay)
                await Task.Yield();
            permits.Release();
        }
    }

    private static Func<long, Task> Holders(int holders, int permits)
    {
        var semaphore = new SemaphoreSlim(permits, permits);
        return holders == 1
            ? count => Turns(semaphore, count, false)
            : count => Task.WhenAll(Enumerable.Range(0, holders).Select(_ => Turns(semaphore, count, true)));
    }

    private static async IAsyncEnumerable<long> Ones(bool waits)
    {
        for (;;)
        {
            if (waits)
                await Task.Yield();
            yield return 1;
        }
    }

    private static async IAsyncEnumerable<long> Mapped(IAsyncEnumerable<long> all, Func<long, ValueTask<long>> function)
    {
        await foreach (var x in all)
            yield return await function(x);
    }

    private static Func<long, Task> Elements(bool waits, bool maps) => async count =>
    {
        var all = Ones(waits);
        if (maps)
            all = Mapped(all, x => new(x));
        long sum = 0;
        await foreach (var x in all)
        {
            sum += x;
            if (sum == count)
                break;
        }
    };

    private static Func<long, double> OnPool(Func<long, Task> body) => count =>
    {
        Task.Run(() => body(count)).Wait();
        return 0;
    };

    private static Func<long, double> Here(Action<long> body) => count =>
    {
        body(count);
        return 0;
    };

    internal static long ScaleLeaves { get; set; }

    internal static Case[] Cases()
    {
        ThreadPool.SetMinThreads(Count, 1);
        if (!ThreadPool.SetMaxThreads(Count, 1000))
            throw new InvalidOperationException("the pool is not as wide as asked for");
        Case Row(string bench, Func<long, double> run, long operations = 1) =>
            new($"{bench}_{Count}", Program.TaskName, null) { Long = run, Operations = operations };
        Case ValueRow(string bench, Func<long, double> run) => Row(bench, run) with { Who = Program.ValueTaskName };
        return
        [
            Row("spawn_await", OnPool(SpawnAwait)),
            Row("run_await", OnPool(SpawnAwait)),
            Row("fork_join_fib", OnPool(ForkJoinFib), FibCalls),
            Row("skynet", OnPool(count => SkynetOf(count, SkynetLeaves)), SkynetTasks),
            Row("suspend_resume", OnPool(Program.SuspendResumeTask)),
            ValueRow("suspend_resume", OnPool(Program.SuspendResumeValue)),
            Row("round_trip_source", OnPool(Program.RoundTripSourceTask)),
            ValueRow("round_trip_source", OnPool(Program.RoundTripSourceValue)),
            new("round_trip_cross", Program.ValueTaskName, null) { Long = Here(RoundTripCross) },
            Row("mutex", OnPool(Holders(1, 1))),
            Row("mutex_contended", OnPool(Holders(4, 1)), 4),
            Row("semaphore", OnPool(Holders(1, 2))),
            Row("semaphore_contended", OnPool(Holders(4, 2)), 4),
            Row("channel_1_1", OnPool(Channels.One)),
            Row("channel_1_1_batch", OnPool(Channels.InBatches)),
            Row("channel_4_4", OnPool(Channels.Four), 4),
            Row("channel_cap1", OnPool(Channels.Passing(1, 1))),
            Row("channel_rendezvous", OnPool(Channels.Passing(0, 1))),
            new("channel_cross", Program.TaskName, null) { Long = Here(Channels.Cross) },
            Row("select_2_ready", OnPool(Channels.SelectReady)),
            Row("select_2_waiting", OnPool(Channels.SelectWaiting), 2),
            ValueRow("generator", OnPool(Elements(false, false))),
            ValueRow("generator_map", OnPool(Elements(false, true))),
            ValueRow("generator_wait", OnPool(Elements(true, false))),
            Row("inject", Here(Inject), Injected),
            Row("wake_latency", WakeLatency) with { Timed = true },
            Row("pipeline_overlap", PipelineOverlap) with { Timed = true, Alone = true },
            Row("hidden_run", HiddenRun) with { Timed = true, Alone = true },
            Row("hidden_leaf", HiddenLeaf) with { Timed = true, Alone = true },
            Row("idle_cpu", IdleCpuUs) with { Timed = true, Alone = true },
            new("scale", Program.TaskName, null) { Long = OnPool(count => SkynetOf(count, ScaleLeaves)) },
        ];
    }
}
