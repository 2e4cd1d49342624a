# Makes the graph of tools/layers.sh, and prints its faults. It reads these lines:
#
#     declared HEADER NAME       an up-call
#     source FILE, header FILE   relative to src, as all files are
#     include FILE NAME          the name that the file gives the header
#     object SOURCE              the source was compiled
#     symbol SOURCE NAME TYPE    what nm -P prints
#
# An arrow is a pair of files, "FROM TO" in the indices below.

function folder_of(file)
{
	return file ~ /\// ? substr(file, 1, index(file, "/") - 1) : "."
}

function base_of(file)
{
	sub(/.*\//, "", file)
	return file
}

function fault(text)
{
	faults[++fault_count] = text
}

# ---- reading

$1 == "declared" { declared_in[$3] = $2; declared[++declared_count] = $3 }
$1 == "source" { sources[++source_count] = $2; exists[$2] = 1 }
$1 == "header" { headers[++header_count] = $2; exists[$2] = 1 }
$1 == "include" { includer[++include_count] = $2; included[include_count] = $3 }
$1 == "object" { compiled[$2] = 1 }
$1 == "symbol" && $4 ~ /^[Uwv]$/ { user[++use_count] = $2; used[use_count] = $3 }
$1 == "symbol" && $4 ~ /^[A-TV-Zui]$/ {
	if (!($3 in definer) || weak[$3]) {
		definer[$3] = $2
		weak[$3] = $4 ~ /^[WV]$/
	}
}

# ---- which arrows there may be

function read_order(    i, n, words, pair)
{
	n = split(order, words)
	for (i = 1; i <= n; i++)
		rank[words[i]] = i
	top = n
	n = split(alone, words)
	for (i = 1; i <= n; i++) {
		split(words[i], pair, "=")
		only_user[pair[1]] = pair[2]
	}
}

function known(folder)
{
	return folder in rank || folder in only_user
}

function users_of(folder,    users)
{
	users = only_user[folder]
	gsub(",", " and ", users)
	return users
}

# Returns why files of the one folder may not use files of the other, or "" if they may.
function forbidden(from, to)
{
	if (from == to || !known(from) || !known(to))
		return ""
	if (from in only_user)
		return from " uses no other folder"
	if (to in only_user)
		return ("," only_user[to] ",") ~ ("," from ",") ? "" : "only " users_of(to) " may use " to
	return rank[to] > rank[from] ? to " is above " from : ""
}

# Returns the declared name of a symbol, or "". The symbol of a name of the ABI ends with the version of the ABI.
function up_call(symbol)
{
	if (symbol in declared_in)
		return symbol
	sub(/_v[0-9]+$/, "_", symbol)
	return symbol in declared_in ? symbol : ""
}

# ---- arrows, circles and levels of sources or of headers, whose names stand in node[1..count]

function add_arrow(from, to, by)
{
	if (!((from, to) in label)) {
		next_of[from, ++out[from]] = to
		label[from, to] = by
	} else
		label[from, to] = label[from, to] ", " by
}

# Finds the shortest way, and puts its files into way[1], way[2]... Returns its length, or 0 if there is none.
function shortest(from, to, way,    queue, head, tail, before, at, i, n, length_)
{
	head = tail = 1
	queue[1] = from
	before[from] = ""
	while (head <= tail) {
		at = queue[head++]
		for (i = 1; i <= out[at]; i++) {
			n = next_of[at, i]
			if (n == to) {
				length_ = 1
				for (n = at; before[n] != ""; n = before[n])
					length_++
				way[length_ + 1] = to
				for (i = length_; i >= 1; i--) {
					way[i] = at
					at = before[at]
				}
				return length_
			}
			if (!(n in before)) {
				before[n] = at
				queue[++tail] = n
			}
		}
	}
	return 0
}

# Tarjan's search, depth first. It sets circle[node] to the number of the node's circle, or to 0, and level[node] to one
# above the highest level that the node uses.
function visit(node,    i, n, size, highest, members)
{
	index_of[node] = low[node] = ++visited
	stack[++stack_height] = node
	on_stack[node] = 1
	for (i = 1; i <= out[node]; i++) {
		n = next_of[node, i]
		if (!(n in index_of)) {
			visit(n)
			if (low[n] < low[node])
				low[node] = low[n]
		} else if (on_stack[n] && index_of[n] < low[node])
			low[node] = index_of[n]
	}
	if (low[node] != index_of[node])
		return
	size = highest = 0
	do {
		n = stack[stack_height--]
		on_stack[n] = 0
		members[++size] = n
		for (i = 1; i <= out[n]; i++)
			if (level[next_of[n, i]] > highest)
				highest = level[next_of[n, i]]
	} while (n != node)
	if (size > 1) {
		circle_size[++circle_count] = size
		for (i = 1; i <= size; i++)
			circle[members[i]] = circle_count
	}
	for (i = 1; i <= size; i++)
		level[members[i]] = highest + 1
}

# Makes faults of circles, the shortest first, and of so many that each arrow in a circle is in one of them.
function print_circles(node, count, what, by,    i, j, k, from, to, at, length_, left, size, way, shown, text)
{
	for (length_ = 2; left != 0 || length_ == 2; length_++) {
		left = 0
		for (i = 1; i <= count; i++) {
			from = node[i]
			for (j = 1; circle[from] && j <= out[from]; j++) {
				to = next_of[from, j]
				if (circle[to] != circle[from] || (from, to) in shown)
					continue
				if (!((from, to) in size))
					size[from, to] = shortest(to, from, way) + 1
				if (size[from, to] != length_) {
					left++
					continue
				}
				shortest(to, from, way)
				text = "a circle of " length_ " " what ":"
				at = from
				for (k = 1; k <= length_; k++) {
					text = text "\n    " at " -> " way[k] by label[at, way[k]]
					shown[at, way[k]] = 1
					at = way[k]
				}
				fault(text)
			}
		}
	}
}

function look_for_circles(node, count, what, by,    i)
{
	visited = stack_height = circle_count = 0
	for (i = 1; i <= count; i++)
		if (!(node[i] in index_of))
			visit(node[i])
	print_circles(node, count, what, by)
}

# ---- faults of the sources

# Collects the symbols that one source uses of another, in use_from, use_to and use_by, and adds their arrows.
function find_uses(    i, to)
{
	for (i = 1; i <= use_count; i++) {
		to = definer[used[i]]
		if (to == "" || to == user[i])
			continue
		use_from[++uses] = user[i]
		use_to[uses] = to
		use_by[uses] = used[i]
		if (up_call(used[i]) == "")
			add_arrow(user[i], to, used[i])
	}
}

# A declaration is needed if an arrow of its name goes up or closes a circle. If it is not needed, its arrows go back
# into the graph before the next declaration is checked.
function check_declarations(    d, i, name, needed, defined, way)
{
	for (d = 1; d <= declared_count; d++) {
		name = declared[d]
		needed = defined = 0
		for (i in definer)
			if (up_call(i) == name)
				defined = 1
		if (!defined) {
			fault(declared_in[name] " declares " name ", which no source defines")
			continue
		}
		for (i = 1; i <= uses && !needed; i++)
			if (up_call(use_by[i]) == name)
				needed = forbidden(folder_of(use_from[i]), folder_of(use_to[i])) != "" || \
					shortest(use_to[i], use_from[i], way)
		if (needed)
			continue
		fault(declared_in[name] " declares " name ", which no arrow up has")
		for (i = 1; i <= uses; i++)
			if (up_call(use_by[i]) == name)
				add_arrow(use_from[i], use_to[i], use_by[i])
	}
}

function check_arrows(    i, j, from, to, why)
{
	for (i = 1; i <= source_count; i++) {
		from = sources[i]
		for (j = 1; j <= out[from]; j++) {
			to = next_of[from, j]
			why = forbidden(folder_of(from), folder_of(to))
			if (why != "")
				fault("an arrow up, " why ":\n    " from " -> " to " by " label[from, to])
		}
	}
}

# Makes a fault of each folder that is not declared or is not two deep, with its files.
function check_folders(    i, file, folder, strangers)
{
	for (i = 1; i <= source_count + header_count; i++) {
		file = i <= source_count ? sources[i] : headers[i - source_count]
		folder = file
		if (!sub(/\/[^\/]*$/, "", folder))
			folder = "."
		if (!known(folder))
			strangers[folder] = strangers[folder] " " base_of(file)
		if (i <= source_count && !(file in compiled))
			fault("src/" file " has no object in " build)
	}
	for (folder in strangers)
		fault("src/" folder " is none of the folders that tools/layers.sh declares (" order folders_alone() \
			"):\n   " strangers[folder])
}

function folders_alone(    i, n, words, text)
{
	n = split(alone, words)
	for (i = 1; i <= n; i++) {
		sub(/=.*/, "", words[i])
		text = text " " words[i]
	}
	return text
}

# ---- includes

# Returns the header that a file includes by that name, beside the file or from the root of src. Returns "" if src has
# no such header.
function find_header(file, name,    folder, path)
{
	folder = file
	if (!sub(/\/[^\/]*$/, "", folder))
		folder = ""
	path = folder == "" ? name : folder "/" name
	while (sub(/[^\/]+\/\.\.\//, "", path))
		;
	return path in exists ? path : name in exists ? name : ""
}

function check_includes(    i, to, why)
{
	for (i = 1; i <= include_count; i++) {
		to = find_header(includer[i], included[i])
		if (to == "")
			continue
		why = forbidden(folder_of(includer[i]), folder_of(to))
		if (why != "")
			fault("an arrow up, " why ":\n    " includer[i] " includes " to)
		if (includer[i] ~ /\.h$/)
			add_arrow(includer[i], to, "")
	}
}

# ---- tables

# Returns what a source uses: other folders, and the sources of its own folder by their names.
function uses_of(from,    i, to, folder, seen, inside, outside)
{
	for (i = 1; i <= out[from]; i++) {
		to = next_of[from, i]
		folder = folder_of(to)
		if (folder == folder_of(from))
			inside = inside " " base_of(to)
		else if (!(folder in seen)) {
			seen[folder] = 1
			outside = outside " " folder
		}
	}
	return substr((outside == "" ? "" : " " outside) (inside == "" ? "" : " " inside), 2)
}

function print_levels(    i, l, highest)
{
	for (i = 1; i <= source_count; i++)
		if (level[sources[i]] > highest)
			highest = level[sources[i]]
	printf "%5s  %-6s  %-28s%s\n", "level", "circle", "source", "  uses: folders, sources of its own folder"
	for (l = highest; l >= 1; l--)
		for (i = 1; i <= source_count; i++)
			if (level[sources[i]] == l)
				printf "%5d  %-6s  %-28s %s\n", l, circle[sources[i]] ? circle[sources[i]] : "-", \
					sources[i], uses_of(sources[i])
	print ""
}

function print_folders(    i, j, n, list, folder, seen, from, to, key, text)
{
	n = split(order, list)
	for (i in only_user)
		list[++n] = i
	for (i = 1; i <= source_count; i++) {
		folder = folder_of(sources[i])
		if (!known(folder) && !(folder in seen)) {
			seen[folder] = 1
			list[++n] = folder
		}
		number[folder]++
		for (j = 1; j <= out[sources[i]]; j++) {
			to = folder_of(next_of[sources[i], j])
			if (to != folder)
				arrows[folder, to]++
		}
	}
	printf "%-9s %7s  %s\n", "folder", "sources", "uses (arrows); ! where it may not"
	for (i = n; i >= 1; i--) {
		from = list[i]
		text = ""
		for (j = 1; j <= n; j++)
			if ((from, list[j]) in arrows) {
				key = forbidden(from, list[j]) != "" ? "!" : ""
				text = text " " key list[j] " (" arrows[from, list[j]] ")"
			}
		printf "%-9s %7d %s%s\n", from, number[from], text, known(from) ? "" : "   [not declared]"
	}
	print ""
}

END {
	read_order()
	if (!source_count)
		fault("there are no sources")
	check_folders()
	find_uses()
	check_declarations()
	check_arrows()
	look_for_circles(sources, source_count, "sources", " by ")
	circles = circle_count
	levels = 0
	for (i = 1; i <= source_count; i++)
		if (level[sources[i]] > levels)
			levels = level[sources[i]]
	if (show) {
		print_levels()
		print_folders()
	}
	split("", out)
	split("", next_of)
	split("", label)
	check_includes()
	look_for_circles(headers, header_count, "headers", " ")
	for (i = 1; i <= fault_count; i++)
		print faults[i]
	if (fault_count)
		print fault_count " faults"
	else
		print source_count " sources in " levels " levels, no circle; " declared_count " declared up-calls"
	exit fault_count && !show
}
