// .NET's answer to each case, once with Task and once with ValueTask: the same program in C#.
// All cases run in async methods whose continuations go to Loop.cs (one thread) or, for the
// sleepers, to the thread pool. The rows of the scheduler are in Workers.cs.

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using System.Threading.Tasks.Sources;

namespace Bide.Bench;

internal sealed record Case(string Bench, string Who, Func<long, Task>? Run)
{
    // In place of Run, for the rows of the scheduler: longer and fewer batches; `Timed`: it returns what counts, in
    // the row's unit; `Alone`: it is done once.
    public Func<long, double>? Long { get; init; }
    public bool Timed { get; init; }
    public bool Alone { get; init; }

    public long Operations { get; init; } = 1;
    public bool Live { get; init; }
    public bool Warm { get; set; }
    public long Count { get; set; } = 1;
}

internal static class Program
{
    private const int Batches = 25;
    private const double BatchMinNs = 2e6;
    private const double LongBatchMinNs = 20e6;
    private const double LongSpentNs = 300e6;
    private const int LongBatchesMin = 3;
    private const double WarmUpNs = 1.2e9;
    private const long Depth = 1000;
    private const int LiveCount = 100_000;
    internal const string TaskName = "dotnet_task";
    internal const string ValueTaskName = "dotnet_valuetask";

    private static long sink;

    // ready_await; + 100: past the small results for which the runtime keeps a task

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ValueTask<long> ReadyValue(long key) => new(key + 100);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Task<long> ReadyTask(long key) => Task.FromResult(key + 100);

    private static async Task ReadyAwaitValue(long count)
    {
        long sum = 0;
        for (long i = 0; i < count; i++)
            sum += await ReadyValue(i);
        sink = sum;
    }

    private static async Task ReadyAwaitTask(long count)
    {
        long sum = 0;
        for (long i = 0; i < count; i++)
            sum += await ReadyTask(i);
        sink = sum;
    }

    // frame_sync and task_sync

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async ValueTask<long> ThroughFrameValue(long key) => await ReadyValue(key);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<long> ThroughFrameTask(long key) => await ReadyValue(key);

    private static async Task FrameSyncValue(long count)
    {
        long sum = 0;
        for (long i = 0; i < count; i++)
            sum += await ThroughFrameValue(i);
        sink = sum;
    }

    private static async Task FrameSyncTask(long count)
    {
        long sum = 0;
        for (long i = 0; i < count; i++)
            sum += await ThroughFrameTask(i);
        sink = sum;
    }

    private static async Task TaskSyncValue(long count)
    {
        long sum = 0;
        for (long i = 0; i < count; i++)
            sum += await ThroughFrameValue(i).AsTask();
        sink = sum;
    }

    // suspend_resume

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async ValueTask<long> AfterYieldValue(long key)
    {
        await Task.Yield();
        return key + 1;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<long> AfterYieldTask(long key)
    {
        await Task.Yield();
        return key + 1;
    }

    internal static async Task SuspendResumeValue(long count)
    {
        long sum = 0;
        for (long i = 0; i < count; i++)
            sum += await AfterYieldValue(i);
        sink = sum;
    }

    internal static async Task SuspendResumeTask(long count)
    {
        long sum = 0;
        for (long i = 0; i < count; i++)
            sum += await AfterYieldTask(i);
        sink = sum;
    }

    // round_trip

    private static async Task TakeTurnsTask(long count)
    {
        for (long i = 0; i < count; i++)
            await Task.Yield();
    }

    private static async ValueTask TakeTurnsValue(long count)
    {
        for (long i = 0; i < count; i++)
            await Task.Yield();
    }

    private static async Task RoundTripTask(long count)
    {
        Task other = TakeTurnsTask(count);
        await TakeTurnsTask(count);
        await other;
    }

    private static async Task RoundTripValue(long count)
    {
        ValueTask other = TakeTurnsValue(count);
        await TakeTurnsValue(count);
        await other;
    }

    // round_trip_source: a value task over a source that is used again and again, and a new completion source a turn

    internal sealed class Baton : IValueTaskSource<long>
    {
        private ManualResetValueTaskSourceCore<long> core = new() { RunContinuationsAsynchronously = true };

        public ValueTask<long> Taken() => new(this, core.Version);
        public void HandOver(long value) => core.SetResult(value);
        public ValueTaskSourceStatus GetStatus(short token) => core.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token,
            ValueTaskSourceOnCompletedFlags flags) => core.OnCompleted(continuation, state, token, flags);

        public long GetResult(short token)
        {
            long result = core.GetResult(token);
            core.Reset();
            return result;
        }
    }

    internal static async Task Ponging(long count, Baton ping, Baton pong)
    {
        for (long i = 0; i < count; i++)
            pong.HandOver(await ping.Taken());
    }

    internal static async Task RoundTripSourceValue(long count)
    {
        Baton ping = new(), pong = new();
        Task other = Ponging(count, ping, pong);
        for (long i = 0; i < count; i++)
        {
            ping.HandOver(i);
            await pong.Taken();
        }
        await other;
    }

    private sealed class TaskBaton
    {
        private TaskCompletionSource<long> next = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<long> Taken() => next.Task;

        public void HandOver(long value)
        {
            TaskCompletionSource<long> now = next;
            next = new(TaskCreationOptions.RunContinuationsAsynchronously);
            now.SetResult(value);
        }
    }

    // Each side takes hold of its next turn before it hands over: with several threads the other answers at once, and
    // has replaced the source by then.
    private static async Task Ponging(long count, TaskBaton ping, TaskBaton pong)
    {
        Task<long> turn = ping.Taken();
        for (long i = 0; i < count; i++)
        {
            long value = await turn;
            turn = ping.Taken();
            pong.HandOver(value);
        }
    }

    internal static async Task RoundTripSourceTask(long count)
    {
        TaskBaton ping = new(), pong = new();
        Task other = Ponging(count, ping, pong);
        for (long i = 0; i < count; i++)
        {
            Task<long> back = pong.Taken();
            ping.HandOver(i);
            await back;
        }
        await other;
    }

    // await_depth

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async ValueTask<long> DeepValue(long levels)
    {
        if (levels > 1)
            return await DeepValue(levels - 1) + 1;
        await Task.Yield();
        return 1;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<long> DeepTask(long levels)
    {
        if (levels > 1)
            return await DeepTask(levels - 1) + 1;
        await Task.Yield();
        return 1;
    }

    private static async Task AwaitDepthValue(long count)
    {
        for (long i = 0; i < count; i++)
            if (await DeepValue(Depth) != Depth)
                throw new InvalidOperationException("depth");
    }

    private static async Task AwaitDepthTask(long count)
    {
        for (long i = 0; i < count; i++)
            if (await DeepTask(Depth) != Depth)
                throw new InvalidOperationException("depth");
    }

    // timers

    private static long NextDelayMs(ref uint state)
    {
        uint x = state;
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        state = x;
        return 10_000 + (x & 0xffff);
    }

    private static Timer NewTimer(ref uint state) =>
        new(static _ => { }, null, NextDelayMs(ref state), Timeout.Infinite);

    private static Task InsertCancel(long count)
    {
        uint random = 7;
        for (long i = 0; i < count; i++)
            NewTimer(ref random).Dispose();
        return Task.CompletedTask;
    }

    private static Timer[] StartLive()
    {
        uint random = 1;
        var live = new Timer[LiveCount];
        for (int i = 0; i < live.Length; i++)
            live[i] = NewTimer(ref random);
        return live;
    }

    private static void StopLive(Timer[]? live)
    {
        foreach (Timer timer in live ?? [])
            timer.Dispose();
    }

    // sleepers

    private static long awake;

    private static async Task SleepTask(int ms, long count, TaskCompletionSource done)
    {
        await Task.Delay(ms);
        if (Interlocked.Increment(ref awake) == count)
            done.SetResult();
    }

    private static async ValueTask SleepValue(int ms, long count, TaskCompletionSource done)
    {
        await Task.Delay(ms);
        if (Interlocked.Increment(ref awake) == count)
            done.SetResult();
    }

    private static void StartSleeper(string who, int ms, long count, TaskCompletionSource done)
    {
        if (who == TaskName)
            _ = SleepTask(ms, count, done);
        else
            _ = SleepValue(ms, count, done).AsTask();
    }

    private static double CpuNs() => Environment.CpuUsage.TotalTime.TotalNanoseconds;

    private static long PeakBytes()
    {
        foreach (string line in File.ReadLines("/proc/self/status"))
            if (line.StartsWith("VmHWM:", StringComparison.Ordinal))
                return long.Parse(line.AsSpan(6).Trim(" \tkB"), CultureInfo.InvariantCulture) * 1024;
        return 0;
    }

    private static void Sleepers(string who, long count, int ms)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var watch = Stopwatch.StartNew();
        for (long i = 0; i < count; i++)
            StartSleeper(who, ms, count, done);
        double createNs = watch.Elapsed.TotalNanoseconds;
        int early = Interlocked.Read(ref awake) > 0 ? 1 : 0;
        double cpu = CpuNs();
        done.Task.Wait();
        double fireNs = CpuNs() - cpu;
        Console.WriteLine(FormattableString.Invariant(
            $"{{\"bench\":\"sleepers\",\"who\":\"{who}\",\"early\":{early},\"peak_bytes\":{PeakBytes()},") +
            FormattableString.Invariant(
            $"\"create_ns\":{createNs:F0},\"fire_ns\":{fireNs:F0},\"total_allocs\":{count},") +
            FormattableString.Invariant(
            $"\"total_bytes\":{GC.GetTotalAllocatedBytes(true)}}}\n."));
    }

    // The protocol of README.md

    private static Case[] Cases { get; } = Workers.Count > 0 ? Workers.Cases() :
    [
        new("ready_await", TaskName, ReadyAwaitTask),
        new("ready_await", ValueTaskName, ReadyAwaitValue),
        new("frame_sync", TaskName, FrameSyncTask),
        new("frame_sync", ValueTaskName, FrameSyncValue),
        new("task_sync", TaskName, FrameSyncTask),
        new("task_sync", ValueTaskName, TaskSyncValue),
        new("suspend_resume", TaskName, SuspendResumeTask),
        new("suspend_resume", ValueTaskName, SuspendResumeValue),
        new("round_trip", TaskName, RoundTripTask),
        new("round_trip", ValueTaskName, RoundTripValue),
        new("round_trip_source", TaskName, RoundTripSourceTask),
        new("round_trip_source", ValueTaskName, RoundTripSourceValue),
        new("timers", TaskName, InsertCancel),
        new("timers_100k", TaskName, InsertCancel) { Live = true },
        new("await_depth", TaskName, AwaitDepthTask) { Operations = Depth },
        new("await_depth", ValueTaskName, AwaitDepthValue) { Operations = Depth },
    ];

    private static double BatchNs(Case test, long count)
    {
        var watch = Stopwatch.StartNew();
        double value = 0;
        if (test.Long is { } run)
            value = run(count);
        else
            Loop.Run(test.Run!, count);
        return test.Timed ? value : watch.Elapsed.TotalNanoseconds;
    }

    private static double ElapsedNs(Case test, long count)
    {
        var watch = Stopwatch.StartNew();
        BatchNs(test, count);
        return watch.Elapsed.TotalNanoseconds;
    }

    // Tier 0, then instrumented, then optimised with the profile: short batches, until more than a second has gone
    // by, so that the methods are called often enough and the background compiler has its time.
    private static void WarmUp(Case test)
    {
        if (test.Warm)
            return;
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed.TotalNanoseconds < WarmUpNs)
            if (ElapsedNs(test, test.Count) < 2e6)
                test.Count = test.Count * 3 / 2 + 1;
        test.Warm = true;
    }

    // Finds how many steps a batch takes; once that is known, it only warms up.
    private static void Calibrate(Case test)
    {
        double least = test.Long is null ? BatchMinNs : LongBatchMinNs, aim = least * 1.25, elapsed;
        if (test.Alone)
            return;
        WarmUp(test);
        while ((elapsed = ElapsedNs(test, test.Count)) < least)
            test.Count = elapsed < aim / 16 ? test.Count * 8 : (long)(test.Count * aim / elapsed) + 1;
    }

    private static bool Enough(Case test, int done, Stopwatch watch) => test.Alone || done >= Batches
        ? done > 0
        : test.Long is not null && done >= LongBatchesMin && watch.Elapsed.TotalNanoseconds >= LongSpentNs;

    // Time an operation in each batch, and bytes an operation by the runtime's own exact counter, read outside of
    // the timed batches.
    private static (List<double> Ns, double Bytes) Measure(Case test)
    {
        Timer[]? live = test.Live ? StartLive() : null;
        Calibrate(test);
        double operations = (double)test.Count * test.Operations;
        var ns = new List<double>(Batches);
        long before = GC.GetTotalAllocatedBytes(true);
        for (var watch = Stopwatch.StartNew(); !Enough(test, ns.Count, watch);)
            ns.Add(BatchNs(test, test.Count) / operations);
        double bytes = GC.GetTotalAllocatedBytes(true) - before;
        StopLive(live);
        return (ns, bytes / operations / ns.Count);
    }

    private static void Answer(string bench)
    {
        bool found = false;
        foreach (Case test in Cases)
        {
            if (test.Bench != bench)
                continue;
            found = true;
            var (ns, bytes) = Measure(test);
            string batches = string.Join(',', ns.Select(one => one.ToString("F4", CultureInfo.InvariantCulture)));
            string counted = test.Timed
                ? ""
                : FormattableString.Invariant($",\"allocs\":{(bytes >= 0.5 ? 1 : 0)},\"bytes\":{bytes:F1}");
            Console.WriteLine($"{{\"bench\":\"{bench}\",\"who\":\"{test.Who}\",\"batches\":[{batches}]{counted}}}");
        }
        Console.WriteLine(found ? "." : $"skip {bench} not offered");
    }

    // Another size each time, but the code is warm.
    private static void AnswerScale(long leaves)
    {
        Workers.ScaleLeaves = leaves;
        foreach (Case test in Cases)
            if (test.Bench == "scale")
                test.Count = 1;
        Answer("scale");
    }

    private static int Once(string[] args)
    {
        if (args.Length == 5 && args[1] == "sleepers" && args[2] is TaskName or ValueTaskName
            && long.TryParse(args[3], CultureInfo.InvariantCulture, out long count) && count > 0
            && int.TryParse(args[4], CultureInfo.InvariantCulture, out int ms))
        {
            Sleepers(args[2], count, ms);
            return 0;
        }
        Console.Error.WriteLine($"usage: dotnet once sleepers {TaskName}|{ValueTaskName} <count> <ms>");
        return 2;
    }

    private static int Main(string[] args)
    {
        if (args.Length > 0 && args[0] == "once")
            return Once(args);
        while (Console.ReadLine() is { } line)
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words is ["list"])
            {
                foreach (Case test in Cases)
                    Console.WriteLine($"{test.Bench} {test.Who}");
                Console.WriteLine(Workers.Count > 0 ? "." : $"sleepers {TaskName}\nsleepers {ValueTaskName}\n.");
            }
            else if (words is ["run", _])
            {
                Answer(words[1]);
            }
            else if (words is ["scale", _] && long.TryParse(words[1], CultureInfo.InvariantCulture, out long leaves))
            {
                AnswerScale(leaves);
            }
            else
            {
                Console.WriteLine("skip - unknown command");
            }
        }
        return 0;
    }
}
