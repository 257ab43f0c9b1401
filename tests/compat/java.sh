# shellcheck shell=bash disable=SC2034,SC2016
# SPDX-License-Identifier: ISC
# Threads, collectors, children, faults that the machine turns into exceptions, attaching, and ends of Java.
# packages: openjdk-17-jdk-headless
# timeout: 600
# long: yes
compat_version() { java -version 2>&1 | head -n 1; }

compat_setup() {
	cat >Threads.java <<'END'
import java.util.*; import java.util.concurrent.*; import java.util.concurrent.atomic.*; import java.util.stream.*;
public class Threads {
	static int deep(int n) { return deep(n + 1) + 1; }
	static volatile String none;
	public static void main(String[] a) throws Exception {
		AtomicLong sum = new AtomicLong();
		List<Thread> ts = new ArrayList<>();
		for (int i = 0; i < 300; i++) { int n = i; Thread t = new Thread(null, () -> { for (int k = 0; k < 100; k++) sum.addAndGet(n * k); }, "t" + i, 256 << 10); ts.add(t); t.start(); }
		for (Thread t : ts) t.join();
		System.out.println(sum);
		System.out.println(IntStream.range(0, 1000000).parallel().mapToLong(i -> (long) i * i % 7).sum());
		ExecutorService e = Executors.newFixedThreadPool(8);
		List<Future<Integer>> fs = new ArrayList<>();
		for (int i = 0; i < 200; i++) { int n = i; fs.add(e.submit(() -> n * n)); }
		int s = 0; for (Future<Integer> f : fs) s += f.get(); System.out.println(s); e.shutdown();
		int soe = 0, npe = 0, div = 0;
		for (int i = 0; i < 20; i++) try { deep(0); } catch (StackOverflowError x) { soe++; }
		for (int i = 0; i < 20000; i++) try { none.length(); } catch (NullPointerException x) { npe++; }
		for (int i = 0; i < 20000; i++) try { div += 1 / (i - i); } catch (ArithmeticException x) { div++; }
		System.out.println(soe + " " + npe + " " + div);
		Thread t = new Thread(() -> { try { Thread.sleep(60000); } catch (InterruptedException x) { System.out.println("interrupted"); } }); t.start(); t.interrupt(); t.join();
		Thread d = new Thread(null, () -> { try { deep(0); } catch (StackOverflowError x) { System.out.println("deep in a thread"); } }, "deep", 512 << 10); d.start(); d.join();
		try { byte[][] b = new byte[10000][]; for (int i = 0; i < b.length; i++) b[i] = new byte[1 << 20]; } catch (OutOfMemoryError x) { System.out.println(x.getMessage()); }
		Thread u = new Thread(() -> { throw new IllegalStateException("uncaught"); }); u.setUncaughtExceptionHandler((w, x) -> System.out.println(x)); u.start(); u.join();
		throw new RuntimeException("the end");
	}
}
END
	cat >Garbage.java <<'END'
import java.util.*;
public class Garbage { public static void main(String[] a) throws Exception {
	Map<Integer, String> m = new HashMap<>(); Random r = new Random(7); long s = 0;
	for (int i = 0; i < 1500000; i++) { m.put(r.nextInt(50000), "x" + i); if (i % 300000 == 0) System.gc(); }
	for (Map.Entry<Integer, String> e : m.entrySet()) s += e.getKey() * 31L + e.getValue().hashCode();
	System.out.println(m.size() + " " + s);
	java.lang.ref.WeakReference<Object> w = new java.lang.ref.WeakReference<>(new Object()); for (int i = 0; i < 100 && w.get() != null; i++) System.gc(); System.out.println(w.get());
} }
END
	cat >Children.java <<'END'
import java.io.*; import java.util.*; import java.util.concurrent.*;
public class Children { public static void main(String[] a) throws Exception {
	Process p = new ProcessBuilder("sh", "-c", "cat; echo err >&2; exit 7").redirectErrorStream(true).start();
	try (OutputStream o = p.getOutputStream()) { for (int i = 0; i < 1000; i++) o.write(("line " + i + "\n").getBytes()); }
	System.out.println(new String(p.getInputStream().readAllBytes()).length() + " " + p.waitFor());
	for (String c : new String[] {"kill -TERM $$", "kill -9 $$", "exit 255", "ulimit -n >/dev/null; ls /proc/self/fd | wc -l"}) {
		Process q = new ProcessBuilder("sh", "-c", c).start(); System.out.println(c + ": " + q.waitFor() + " " + new String(q.getInputStream().readAllBytes()).trim()); }
	try { new ProcessBuilder("/nonexistent").start(); } catch (IOException e) { System.out.println(e.getMessage()); }
	Process q = new ProcessBuilder("sleep", "60").start(); q.destroy(); System.out.println(q.waitFor() + " " + q.isAlive());
	q = new ProcessBuilder("sleep", "60").start(); System.out.println(q.waitFor(100, TimeUnit.MILLISECONDS)); q.destroyForcibly(); System.out.println(q.waitFor());
	ExecutorService e = Executors.newFixedThreadPool(6); List<Future<Integer>> fs = new ArrayList<>(); int s = 0;
	for (int i = 0; i < 60; i++) { int n = i; fs.add(e.submit(() -> new ProcessBuilder("sh", "-c", "exit " + n).start().waitFor())); }
	for (Future<Integer> f : fs) s += f.get(); e.shutdown(); System.out.println(s);
	List<Process> ps = ProcessBuilder.startPipeline(List.of(new ProcessBuilder("seq", "1000"), new ProcessBuilder("sort", "-rn"), new ProcessBuilder("head", "-n", "1")));
	System.out.println(new String(ps.get(2).getInputStream().readAllBytes()).trim());
	q = new ProcessBuilder("sh", "-c", "exit 3").start(); System.out.println(q.onExit().get().exitValue());
	System.out.println(ProcessHandle.current().children().count());
} }
END
	cat >Ends.java <<'END'
import sun.misc.Signal;
public class Ends { public static void main(String[] a) throws Exception {
	Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook")));
	switch (a[0]) {
	case "exit": System.exit(33);
	case "halt": Runtime.getRuntime().halt(34);
	case "handler": Signal.handle(new Signal("USR2"), s -> { System.out.println("got " + s.getName()); System.exit(35); }); Signal.raise(new Signal("USR2")); Thread.sleep(60000);
	case "wait": System.out.println("ready"); Thread.sleep(60000);
	case "daemon": Thread t = new Thread(() -> { for (;;); }); t.setDaemon(true); t.start(); return;
	} } }
END
	cat >Files.java <<'END'
import java.io.*; import java.net.*; import java.nio.*; import java.nio.channels.*; import java.nio.file.*; import java.util.*;
public class Files { public static void main(String[] a) throws Exception {
	try (RandomAccessFile f = new RandomAccessFile("map", "rw")) { MappedByteBuffer m = f.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, 16 << 20); for (int i = 0; i < m.capacity(); i += 4096) m.put(i, (byte) i); m.force(); FileLock l = f.getChannel().tryLock(); System.out.println(l.isValid()); l.release(); }
	ByteBuffer d = ByteBuffer.allocateDirect(32 << 20); d.put(0, (byte) 1); System.out.println(d.capacity());
	ServerSocketChannel s = ServerSocketChannel.open().bind(new InetSocketAddress("127.0.0.1", 0)); Selector sel = Selector.open(); s.configureBlocking(false); s.register(sel, SelectionKey.OP_ACCEPT);
	Thread c = new Thread(() -> { try { for (int i = 0; i < 50; i++) try (Socket k = new Socket("127.0.0.1", s.socket().getLocalPort())) { k.getOutputStream().write(i); } } catch (IOException e) { e.printStackTrace(); } }); c.start();
	int n = 0, sum = 0; while (n < 50) { sel.select(); for (Iterator<SelectionKey> i = sel.selectedKeys().iterator(); i.hasNext();) { i.next(); i.remove(); SocketChannel k = s.accept(); if (k != null) { k.configureBlocking(true); ByteBuffer b = ByteBuffer.allocate(1); k.read(b); sum += b.get(0); k.close(); n++; } } }
	c.join(); System.out.println(n + " " + sum);
	WatchService w = FileSystems.getDefault().newWatchService(); Path p = Path.of("watched"); java.nio.file.Files.createDirectory(p); p.register(w, StandardWatchEventKinds.ENTRY_CREATE); java.nio.file.Files.createFile(p.resolve("new")); System.out.println(w.take().pollEvents().get(0).context());
} }
END
	javac -nowarn -XDignore.symbol.file ./*.java
}
_java() { java -Xmx256m -Xshare:auto -cp "$COMPAT_SETUP" "$@"; }
_ready() {
	local n
	for ((n = 0; n < 1000; n++)); do
		grep -q ready out && return 0
		sleep 0.02
	done
}
# _ended_by SIGNAL
_ended_by() {
	java -Xmx256m -cp "$COMPAT_SETUP" -XX:-CreateCoredumpOnCrash -XX:ErrorFile="$PWD/error" Ends wait >out 2>err &
	_ready
	kill "-$1" $!
	wait $!
	case_is "ended by $1" "$? $(grep -v '^#' out | tr '\n' ' ') $(grep -c 'fatal error' out)"
}

compat_cases() {
	local gc how command pid
	case_of "threads, deep stacks, null pointers" _java Threads
	case_of "the same, interpreted" _java -Xint Threads
	for gc in Serial Parallel G1 Z Shenandoah; do
		_java -XX:+Use${gc}GC Garbage >out 2>err
		case_is "garbage collection: $gc" "$? $(tr '\n' ' ' <out)"
	done
	case_of "memory of an advice to use huge pages" _java -XX:+UseTransparentHugePages -XX:+AlwaysPreTouch Garbage
	for how in POSIX_SPAWN VFORK FORK; do
		case_of "children by $how" _java -Djdk.lang.Process.launchMechanism=$how Children
	done
	case_of "files, maps, sockets" _java Files
	for how in exit halt handler daemon; do case_of "end: $how" _java Ends $how; done
	for how in TERM HUP ABRT SEGV KILL; do _ended_by $how; done
	case_of "compiler" sh -c 'mkdir -p again && javac -nowarn -XDignore.symbol.file -d again "$COMPAT_SETUP"/*.java 2>/dev/null && ls again'
	case_of "a source as a program" java -Xmx256m "$COMPAT_SETUP/Garbage.java"

	java -Xmx256m -cp "$COMPAT_SETUP" Ends wait >out 2>err &
	pid=$!
	_ready
	case_is "jstack" "$(jstack $pid >stacks; echo $?) $(grep -c '^"main"' stacks)"
	for command in VM.version Thread.print GC.heap_info VM.native_memory GC.class_histogram VM.flags; do
		jcmd $pid $command >stacks 2>&1
		case_is "jcmd $command" "$?"
	done
	case_is "jmap's dump" "$(jmap -dump:live,file=heap.hprof $pid >/dev/null; echo $?) $(head -c 12 heap.hprof)"
	kill -QUIT $pid
	kill -TERM $pid
	wait $pid
	case_is "a dump of all threads by SIGQUIT, and the end" "$? $(grep -c 'Full thread dump' out) $(grep -c '^"main"' out) $(grep -c hook out)"
}
