// Runs one async method, and all that it awaits, on the calling thread: continuations queue in the
// order they came. The other participants measure one thread; .NET's own pool would move the work
// between threads, which costs more.

using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Bide.Bench;

internal sealed class Loop : SynchronizationContext
{
    private static readonly Loop Single = new();
    private readonly Queue<(SendOrPostCallback Callback, object? State)> queue = new();

    public override void Post(SendOrPostCallback d, object? state) => queue.Enqueue((d, state));

    internal static void Run(Func<long, Task> body, long count)
    {
        SynchronizationContext? before = Current;
        SetSynchronizationContext(Single);
        try
        {
            Task task = body(count);
            while (!task.IsCompleted)
            {
                var (callback, state) = Single.queue.Dequeue();
                callback(state);
            }
            task.GetAwaiter().GetResult();
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }
}
