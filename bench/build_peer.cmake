# Builds one peer with its language's own tool, in the build tree and without a network.
# In: NAME, TOOL, SOURCE, WORK (scratch), OUT (where the program goes). A failure leaves OUT/NAME.skip
# with the reason and is no error; it is tried again at the next build.

set(program ${OUT}/${NAME})
set(log ${WORK}/build.log)
set(copy ${WORK}/source)
file(REMOVE ${program} ${WORK}/built)
file(REMOVE_RECURSE ${copy})
file(MAKE_DIRECTORY ${WORK})
# The tools write beside their sources, so they get a copy.
file(COPY ${SOURCE}/ DESTINATION ${copy})

if(NAME MATCHES "dotnet$")
	set(ENV{DOTNET_CLI_HOME} ${WORK}/home)
	set(ENV{DOTNET_CLI_TELEMETRY_OPTOUT} 1)
	set(ENV{DOTNET_NOLOGO} 1)
	set(ENV{DOTNET_GENERATE_ASPNET_CERTIFICATE} false)
	set(ENV{NUGET_PACKAGES} ${WORK}/packages)
	set(command ${TOOL} publish -c Release -o ${WORK}/out -nodeReuse:false
		-p:UseSharedCompilation=false)
elseif(NAME MATCHES "go$")
	set(ENV{GOCACHE} ${WORK}/cache)
	set(ENV{GOFLAGS} -mod=mod)
	set(ENV{GOTOOLCHAIN} local)
	set(ENV{GOPROXY} off)
	set(command ${TOOL} build -o ${program} .)
elseif(NAME MATCHES "(tokio|rayon)$")
	file(COPY ${SOURCE}/../participant.rs DESTINATION ${copy}/src)
	# Debian's packages hold the sources of the crates.
	file(WRITE ${copy}/.cargo/config.toml "[source.crates-io]
replace-with = \"debian\"
[source.debian]
directory = \"/usr/share/cargo/registry\"
")
	set(command ${TOOL} build --release --offline --target-dir ${WORK}/target)
else()
	message(FATAL_ERROR "unknown peer ${NAME}")
endif()

execute_process(COMMAND ${command} WORKING_DIRECTORY ${copy} TIMEOUT 600 RESULT_VARIABLE result
	OUTPUT_FILE ${log} ERROR_FILE ${log})

if(result EQUAL 0 AND NAME MATCHES "dotnet$")
	file(WRITE ${program} "#!/bin/sh
[ -z \"$BENCH_WORKERS\" ] || export DOTNET_PROCESSOR_COUNT=\"$BENCH_WORKERS\"
exec \"${TOOL}\" \"${WORK}/out/bench.dll\" \"$@\"
")
	file(CHMOD ${program} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
		WORLD_READ WORLD_EXECUTE)
elseif(result EQUAL 0 AND NAME MATCHES "(tokio|rayon)$")
	file(COPY ${WORK}/target/release/${NAME} DESTINATION ${OUT})
endif()

if(result EQUAL 0 AND EXISTS ${program})
	file(REMOVE ${OUT}/${NAME}.skip)
	file(TOUCH ${WORK}/built)
else()
	file(WRITE ${OUT}/${NAME}.skip "its build failed (${result}); see ${log}\n")
	message(STATUS "peer ${NAME} skipped: its build failed; see ${log}")
endif()
