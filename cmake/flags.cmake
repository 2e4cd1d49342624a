# How bide's own code is compiled: dialect, warnings, sanitizers, coverage.

set(BIDE_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion)

# Sanitizers and coverage: the users of an instrumented library must link the same runtime.
function(bide_instrument target)
	if(BIDE_SANITIZE)
		target_compile_options(${target} PUBLIC -fsanitize=${BIDE_SANITIZE}
			-fno-sanitize-recover=all -fno-omit-frame-pointer)
		target_link_options(${target} PUBLIC -fsanitize=${BIDE_SANITIZE})
	endif()
	if(BIDE_FUZZ)
		target_compile_options(${target} PUBLIC -fsanitize=fuzzer-no-link)
	endif()
	if(BIDE_COVERAGE)
		target_compile_options(${target} PUBLIC --coverage -fprofile-update=atomic)
		target_compile_definitions(${target} PUBLIC BIDE_COVERAGE=1)
		target_link_options(${target} PUBLIC --coverage)
	endif()
endfunction()

# C11 with the GNU extensions that gcc and clang share, and every warning. Only for this tree.
function(bide_own_code target)
	set_target_properties(${target} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS ON)
	target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:C>:${BIDE_WARNINGS}>
		-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)
	bide_instrument(${target})
endfunction()
