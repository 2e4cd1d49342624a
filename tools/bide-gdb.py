"""
gdb commands for programs that use bide.

    bide frames    each pending async function: where it awaits, what it waits for, and the chain of
                   those that wait for it, up to the thread: a backtrace
    bide tasks     the pending completion sources (a program with BIDE_DEBUG=1)

gdb loads this file by itself with libbide.so; for a program that is linked with libbide.a:
`source` and its path. It reads memory only, of a process or of a core file, and needs no debug
information of the library: the library's bide_layout_ says where things are.
"""

import struct

import gdb

FIELDS = """
chunks classes singles tasks task_buckets
chunk_next chunk_stride chunk_made chunk_front chunk_head
record_next record_started record_bytes record_size
source_word source_generation source_payload source_line source_error source_kind source_flags
frame_async frame_awaiting frame_bytes
async_name async_file async_line async_bytes async_lines async_own
own_name own_kind
operation_type type_name type_task_at
subscription_older
task_next task_created
place_file place_line place_function
""".split()

PENDING, DONE, SHARED, LISTENER, LOCKED, TAGS = 0, 1, 3, 4, 7, 7
KIND_TIMER, KIND_OPERATION, KIND_TASK, KIND_FORK = 1, 2, 3, 6
SELF_LINKED = 16
OWN_CALL, OWN_BODY, OWN_HIDDEN = 0, 1, 2
LINE_MASK = 0x3FFFFFFF
COUNT_BASE = 0xFFFF << 48
DEPTH_MAX = 100


class Memory:
    def __init__(self):
        self.inferior = gdb.selected_inferior()

    def bytes(self, at, count):
        return bytes(self.inferior.read_memory(at, count))

    def number(self, at, size=8):
        return int.from_bytes(self.bytes(at, size), "little")

    def text(self, at, most=256):
        if not at:
            return "?"
        found = b""
        while len(found) < most and b"\0" not in found:
            # Not across the end of a page, which may be the last.
            found += self.bytes(at + len(found), 16 - (at + len(found)) % 16)
        return found.split(b"\0")[0].decode(errors="replace")


class Layout:
    VERSION = 1

    def __init__(self, memory):
        try:
            at = int(gdb.parse_and_eval("(unsigned long)&bide_layout_"))
        except gdb.error:
            raise gdb.GdbError(
                "bide: there is no symbol bide_layout_: this program does not use bide, has not "
                "started yet, or was linked with libbide.a and stripped"
            )
        try:
            version, count = struct.unpack("<QQ", memory.bytes(at, 16))
            numbers = struct.unpack("<%dQ" % count, memory.bytes(at + 16, 8 * count))
        except (gdb.MemoryError, struct.error, OverflowError):
            raise gdb.GdbError("bide: the memory of the library cannot be read")
        if version != self.VERSION or count != len(FIELDS):
            raise gdb.GdbError("bide: this script is of another version than the library")
        for name, number in zip(FIELDS, numbers):
            setattr(self, name, number)


class Item:
    """A frame, timer or operation in use."""

    def __init__(self, pools, at, size, started):
        memory, layout = pools.memory, pools.layout
        head = memory.bytes(at, max(layout.frame_bytes, 56))
        number = lambda offset, count: int.from_bytes(head[offset : offset + count], "little")
        self.pools, self.at, self.size, self.started = pools, at, size, started
        self.word = number(layout.source_word, 8)
        self.generation = number(layout.source_generation, 8)
        self.kind = number(layout.source_kind, 1) >> 5
        self.flags = number(layout.source_flags, 1)
        self.line = number(layout.source_line, 4) & LINE_MASK
        self.is_done = self.word & TAGS == DONE
        self.is_frame = self.kind == 0
        self.awaiting = number(layout.frame_awaiting, 8) if self.is_frame else 0
        self.async_at = number(layout.frame_async, 8) if self.is_frame else 0
        self.type_at = number(layout.operation_type, 8) if self.kind == KIND_OPERATION else 0
        self.own = memory.number(self.async_at + layout.async_own) if self.async_at else 0

    def own_kind(self):
        return self.pools.memory.number(self.own + self.pools.layout.own_kind, 4)

    def name(self):
        memory, layout = self.pools.memory, self.pools.layout
        if self.own:
            return memory.text(memory.number(self.own + layout.own_name))
        if self.is_frame:
            return memory.text(memory.number(self.async_at + layout.async_name))
        if self.kind == KIND_TIMER:
            return "a delay"
        return memory.text(memory.number(self.type_at + layout.type_name))

    def place(self):
        memory, layout = self.pools.memory, self.pools.layout
        if self.own:
            return ""
        file = memory.text(memory.number(self.async_at + layout.async_file))
        if self.line == 0:
            return ", not started yet"
        if memory.number(self.async_at + layout.async_lines, 1):
            return " at %s:%d" % (file, self.line)
        line = memory.number(self.async_at + layout.async_line, 4)
        return ", defined at %s:%d" % (file, line)

    def started_at(self):
        if self.own or not self.started:
            return ""
        return ", started at " + self.pools.place(self.started)

    def task(self):
        """Of a subscription: the task; else 0."""
        memory, layout = self.pools.memory, self.pools.layout
        at = memory.number(self.type_at + layout.type_task_at) if self.type_at else 0
        return memory.number(self.at + at) if at else 0

    def waits_for(self):
        if not self.awaiting or self.flags & SELF_LINKED:
            return "its turn"
        other = self.pools.items.get(self.awaiting)
        if other is None:
            if self.pools.holding(self.awaiting):
                return "a fork that another worker has, or its own turn"
            return "a source of the program's own, %#x" % self.awaiting
        if other.is_done:
            return "its turn (the result is there)"
        if other.task():
            return self.pools.task(other.task())
        if other.own:
            return other.name()
        return other.name() + (", below" if other.is_frame else "")


class Pools:
    def __init__(self):
        self.memory = Memory()
        self.layout = Layout(self.memory)
        self.items = {}
        self.ranges = []
        self.read()

    def add(self, at, size, started):
        generation = self.memory.number(at + self.layout.source_generation)
        if generation >> 48:
            item = Item(self, at, size, started)
            if item.kind < KIND_TASK and (item.async_at or not item.is_frame):
                self.items[at] = item
        self.ranges.append((at, at + size))

    def read(self):
        memory, layout = self.memory, self.layout
        for size_class in range(layout.classes):
            chunk = memory.number(layout.chunks + 8 * size_class)
            while chunk:
                stride = memory.number(chunk + layout.chunk_stride, 4)
                front = memory.number(chunk + layout.chunk_front, 4)
                for i in range(memory.number(chunk + layout.chunk_made, 4)):
                    at = chunk + layout.chunk_head + i * stride + front
                    started = memory.number(at - front + layout.record_started) if front else 0
                    self.add(at, stride - front, started)
                chunk = memory.number(chunk + layout.chunk_next)
        record = memory.number(layout.singles)
        while record:
            self.add(
                record + layout.record_bytes,
                memory.number(record + layout.record_size),
                memory.number(record + layout.record_started),
            )
            record = memory.number(record + layout.record_next)
        self.ranges.sort()

    def holding(self, at):
        """The address of the object of the pools that this address is in; 0: none."""
        low, high = 0, len(self.ranges)
        while low < high:
            middle = (low + high) // 2
            begin, end = self.ranges[middle]
            if at < begin:
                high = middle
            elif at >= end:
                low = middle + 1
            else:
                return begin
        return 0

    def place(self, at):
        memory, layout = self.memory, self.layout
        function = memory.text(memory.number(at + layout.place_function))
        if function.endswith("_body_"):  # of an async function
            function = function[: -len("_body_")]
        return "%s:%d in %s" % (
            memory.text(memory.number(at + layout.place_file)),
            memory.number(at + layout.place_line, 4),
            function,
        )

    def listed_tasks(self):
        memory, layout = self.memory, self.layout
        for bucket in range(layout.task_buckets):
            task = memory.number(layout.tasks + 8 * bucket)
            while task:
                yield task
                task = memory.number(task + layout.task_next)

    def created(self, task):
        return self.place(self.memory.number(task + self.layout.task_created))

    def task(self, at):
        frame = self.items.get(at)
        if frame:
            return "task %#x (%s, below)" % (at, frame.name())
        for task in self.listed_tasks():
            if task == at:
                return "task %#x (created at %s)" % (at, self.created(at))
        return "task %#x" % at

    # --- who waits for an item

    def thread_of(self, at):
        """Which thread's stack this address is on, as far as the stack pointers tell."""
        best, selected = None, gdb.selected_thread()
        frame = gdb.selected_frame() if selected else None
        for thread in self.memory.inferior.threads():
            thread.switch()
            pointer = int(gdb.newest_frame().read_register("sp"))
            if pointer <= at < pointer + (64 << 20) and (not best or pointer > best[0]):
                best = (pointer, thread.num)
        if selected:
            selected.switch()
            frame.select()
        return "thread %d, which waits for it" % best[1] if best else "%#x" % at

    def waiters(self, item):
        """Pairs of (item or None, text)."""
        word = item.word
        tag, at = word & TAGS, word & ~TAGS
        if word == PENDING or tag == DONE:
            return
        if tag == PENDING:
            yield self.items.get(at), ""
        elif tag in (SHARED, LOCKED):
            while at in self.items:
                yield self.items[at], "a task"
                at = self.memory.number(at + self.layout.subscription_older)
        elif tag == LISTENER:
            holder = self.items.get(self.holding(at))
            yield holder, "" if holder else self.thread_of(at)

    def chain(self, item, seen, depth=1):
        """Lines about what waits for the item, innermost first."""
        for other, text in self.waiters(item):
            indent = "    " * min(depth, 8)
            if other is None:
                if text:
                    yield indent + "awaited by " + text
                continue
            if other.is_frame and other.own and other.own_kind() == OWN_HIDDEN:
                continue
            if other.is_frame:
                again = other.at in seen
                seen.add(other.at)
                yield indent + "awaited by " + other.name() + other.place() + other.started_at()
                if again or depth >= DEPTH_MAX:
                    continue
            elif not other.task():
                yield indent + "in " + other.name()
            yield from self.chain(other, seen, depth + (1 if other.is_frame else 0))


class Bide(gdb.Command):
    """Commands for programs that use bide: bide frames, bide tasks."""

    def __init__(self):
        super().__init__("bide", gdb.COMMAND_STATUS, prefix=True)


class Frames(gdb.Command):
    """Lists the pending async functions: where each awaits, for what, and what awaits it."""

    def __init__(self):
        super().__init__("bide frames", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        pools = Pools()
        pending = [i for i in pools.items.values() if i.is_frame and not i.is_done]
        users = [i for i in pending if not i.own]
        seen = set()

        def is_told(item):
            """A call of the library: a wait for a group, whose members tell of who waits."""
            other = pools.items.get(item.awaiting)
            return (
                item.own_kind() == OWN_HIDDEN
                or item.own_kind() == OWN_CALL
                and item.word & TAGS == PENDING
                and item.word in pools.items
                and other is not None
                and other.name() == "bide_group_wait"
            )

        def is_inner(item):
            other = pools.items.get(item.awaiting)
            return other is None or not other.is_frame or other.is_done

        # Those that wait for no other function begin a chain; then what no chain has named.
        for inner in (True, False):
            for item in pending:
                if item.at in seen or is_inner(item) != inner:
                    continue
                if item.own and (is_told(item) or not inner):
                    continue
                seen.add(item.at)
                print(
                    "%s%s, waits for %s%s"
                    % (item.name(), item.place(), item.waits_for(), item.started_at())
                )
                for line in pools.chain(item, seen):
                    print(line)
        print("%d pending" % len(users))


class Tasks(gdb.Command):
    """Lists the pending completion sources and where they were created (BIDE_DEBUG=1)."""

    def __init__(self):
        super().__init__("bide tasks", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        pools = Pools()
        memory, layout = pools.memory, pools.layout
        count = 0
        for task in pools.listed_tasks():
            word = memory.number(task + layout.source_word)
            if word & TAGS == DONE:
                continue
            count += 1
            references = memory.number(task + layout.source_generation) - COUNT_BASE
            print(
                "task %#x, created at %s, %d reference%s, %s"
                % (
                    task,
                    pools.created(task),
                    references,
                    "" if references == 1 else "s",
                    "awaited" if word & ~TAGS else "nothing awaits it",
                )
            )
        print("%d pending (those of a program with BIDE_DEBUG=1)" % count)


Bide()
Frames()
Tasks()
