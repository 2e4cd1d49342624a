// .NET's answer to the rows of I/O: Socket's asynchronous methods on the thread pool, an async method
// for each connection.

using System;
using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Threading;
using System.Threading.Tasks;

namespace Bide.Bench;

internal static class Program
{
    private const int Block = 65536;
    private const int Wakes = 200;
    private const int Cancels = 2000;
    private const double ComputeMs = 5;
    private const int PauseMs = 1;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private static async Task Echo(Socket socket)
    {
        using var owned = socket;
        byte[] buffer = new byte[4096];
        for (;;)
        {
            int size = await socket.ReceiveAsync(buffer, SocketFlags.None).ConfigureAwait(false);
            if (size == 0)
            {
                return;
            }

            await socket.SendAsync(buffer.AsMemory(0, size), SocketFlags.None).ConfigureAwait(false);
        }
    }

    private static async Task EchoTls(Socket socket, SslServerAuthenticationOptions options)
    {
        using var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        byte[] buffer = new byte[4096];
        await stream.AuthenticateAsServerAsync(options).ConfigureAwait(false);
        for (;;)
        {
            int size = await stream.ReadAsync(buffer).ConfigureAwait(false);
            if (size == 0)
            {
                return;
            }

            await stream.WriteAsync(buffer.AsMemory(0, size)).ConfigureAwait(false);
        }
    }

    private static SslServerAuthenticationOptions TlsOptions()
    {
        string folder = Environment.GetEnvironmentVariable("BENCH_TLS") ?? ".";
        using var certificate = X509Certificate2.CreateFromPemFile(
            Path.Combine(folder, "certificate.pem"), Path.Combine(folder, "key.pem"));
        return new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(
                X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null), null, true),
        };
    }

    // A read of no bytes waits without a buffer, so that a silent connection holds none.
    private static async Task EchoIdle(Socket socket)
    {
        using var owned = socket;
        for (;;)
        {
            await socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None).ConfigureAwait(false);
            byte[] buffer = ArrayPool<byte>.Shared.Rent(4096);
            int size = await socket.ReceiveAsync(buffer, SocketFlags.None).ConfigureAwait(false);
            if (size > 0)
            {
                await socket.SendAsync(buffer.AsMemory(0, size), SocketFlags.None).ConfigureAwait(false);
            }

            ArrayPool<byte>.Shared.Return(buffer);
            if (size == 0)
            {
                return;
            }
        }
    }

    private static async Task EchoWithDeadline(Socket socket, CancellationToken shared)
    {
        using var owned = socket;
        bool own = !shared.CanBeCanceled;
        byte[] buffer = new byte[4096];
        var source = new CancellationTokenSource();
        for (;;)
        {
            if (own)
            {
                source.CancelAfter(Limit);
            }

            CancellationToken token = own ? source.Token : shared;
            int size = await socket.ReceiveAsync(buffer, SocketFlags.None, token).ConfigureAwait(false);
            if (size == 0)
            {
                return;
            }

            await socket.SendAsync(buffer.AsMemory(0, size), SocketFlags.None, token).ConfigureAwait(false);
            if (own && !source.TryReset())
            {
                source.Dispose();
                source = new CancellationTokenSource();
            }
        }
    }

    private static async Task Lines(Socket socket)
    {
        using var owned = socket;
        byte[] buffer = new byte[4096], answers = new byte[4096];
        int kept = 0;
        for (;;)
        {
            int size = await socket.ReceiveAsync(buffer.AsMemory(kept), SocketFlags.None).ConfigureAwait(false);
            if (size == 0)
            {
                return;
            }

            // Line by line, as a server that answers each: the answers go out in one piece.
            int end = kept + size, taken = 0, next;
            while ((next = buffer.AsSpan(taken, end - taken).IndexOf((byte)'\n')) >= 0)
            {
                buffer.AsSpan(taken, next + 1).CopyTo(answers.AsSpan(taken));
                taken += next + 1;
            }

            if (taken > 0)
            {
                await socket.SendAsync(answers.AsMemory(0, taken), SocketFlags.None).ConfigureAwait(false);
                buffer.AsSpan(taken, end - taken).CopyTo(buffer);
            }

            kept = end - taken;
        }
    }

    private static async Task Sink(Socket socket)
    {
        using var owned = socket;
        byte[] buffer = new byte[Block];
        int taken = 0;
        for (;;)
        {
            int size = await socket.ReceiveAsync(buffer, SocketFlags.None).ConfigureAwait(false);
            if (size == 0)
            {
                return;
            }

            taken += size;
            int blocks = taken / Block;
            taken %= Block;
            if (blocks > 0)
            {
                await socket.SendAsync(buffer.AsMemory(0, blocks), SocketFlags.None).ConfigureAwait(false);
            }
        }
    }

    private static async Task Compute()
    {
        for (;;)
        {
            long started = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(started).TotalMilliseconds < ComputeMs)
            {
            }

            await Task.Yield();
        }
    }

    private static async Task Quietly(Task connection)
    {
        try
        {
            await connection.ConfigureAwait(false);
        }
        catch (SocketException)
        {
        }
        catch (IOException)
        {
        }
    }

    private static async Task Serve(string mode)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using var shared = new CancellationTokenSource(TimeSpan.FromHours(1));
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(4096);
        SslServerAuthenticationOptions? tls = mode == "tls_echo" ? TlsOptions() : null;
        Say("port " + ((IPEndPoint)listener.LocalEndPoint!).Port.ToString(CultureInfo.InvariantCulture));
        if (mode == "mixed")
        {
            _ = Task.Run(Compute);
        }

        for (;;)
        {
            Socket socket = await listener.AcceptAsync().ConfigureAwait(false);
            socket.NoDelay = true;
            _ = Quietly(mode switch
            {
                "tls_echo" => EchoTls(socket, tls!),
                "lines" => Lines(socket),
                "sink" => Sink(socket),
                "idle" => EchoIdle(socket),
                "deadline" => EchoWithDeadline(socket, CancellationToken.None),
                "shared" => EchoWithDeadline(socket, shared.Token),
                _ => Echo(socket),
            });
        }
    }

    private static (Socket Quiet, Socket Other) Pair()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        var other = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        other.Connect(listener.LocalEndPoint!);
        return (listener.Accept(), other);
    }

    private static readonly AutoResetEvent Woken = new(false);
    private static long woke;

    private static async Task WaitFor(Task bell)
    {
        await bell.ConfigureAwait(false);
        woke = Stopwatch.GetTimestamp();
        Woken.Set();
    }

    // From before the completion, by a thread that is not of the pool, to the first line after the await.
    private static double MeasureWake()
    {
        var values = new double[Wakes];
        for (int i = 0; i < Wakes; i++)
        {
            var bell = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _ = Task.Run(() => WaitFor(bell.Task));
            Thread.Sleep(PauseMs);
            long rang = Stopwatch.GetTimestamp();
            bell.SetResult();
            Woken.WaitOne();
            values[i] = Stopwatch.GetElapsedTime(rang, woke).TotalMicroseconds;
        }

        Array.Sort(values);
        return values[Wakes / 2];
    }

    private static async Task<double> Cancel(Socket quiet)
    {
        byte[] buffer = new byte[64];
        long started = Stopwatch.GetTimestamp();
        for (int i = 0; i < Cancels; i++)
        {
            using var source = new CancellationTokenSource();
            ValueTask<int> read = quiet.ReceiveAsync(buffer, SocketFlags.None, source.Token);
            source.Cancel();
            try
            {
                await read.ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
            }
        }

        return Stopwatch.GetElapsedTime(started).TotalNanoseconds / Cancels;
    }

    private static void Say(string text)
    {
        Console.Out.WriteLine(text);
        Console.Out.Flush();
    }

    private static void Answer(Func<double> measure)
    {
        Say("ready");
        while (Console.In.ReadLine() != null)
        {
            Say("value " + measure().ToString("F3", CultureInfo.InvariantCulture));
        }
    }

    private static int Main(string[] arguments)
    {
        string mode = arguments.Length > 0 ? arguments[0] : "";
        switch (mode)
        {
            case "echo" or "idle" or "accept" or "shared" or "deadline" or "lines" or "sink" or "mixed"
                or "tls_echo":
                Serve(mode).GetAwaiter().GetResult();
                break;
            case "wake":
                Answer(MeasureWake);
                break;
            case "cancel_read":
                (Socket quiet, Socket other) = Pair();
                Answer(() => Cancel(quiet).GetAwaiter().GetResult());
                other.Dispose();
                break;
            default:
                Say("not offered");
                break;
        }

        return 0;
    }
}
