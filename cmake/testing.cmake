# bide_add_test and bide_add_program_test. Every ctest test goes through tests/support/run.sh, which
# knows wrappers (valgrind), name filters and the summary line; see there.

set(BIDE_RUN_TEST ${PROJECT_SOURCE_DIR}/tests/support/run.sh)
add_custom_target(bide_tests_threads)

# bide_add_test(name source...): one executable around the runner of tests/support. A line
# "/* threads */" in one of its sources gives it the label "threads": it is run under TSan too.
function(bide_add_test name)
	add_executable(${name} ${ARGN})
	bide_own_code(${name})
	target_link_libraries(${name} PRIVATE bide_test_support bide_static)
	target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src)
	# A function of tests/support/library.h has the name.
	target_compile_definitions(${name} PRIVATE BIDE_NO_SHORT_stats=1)
	add_test(NAME ${name} COMMAND ${BIDE_RUN_TEST} $<TARGET_FILE:${name}>
		${CMAKE_CROSSCOMPILING_EMULATOR})
	set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77
		WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
	foreach(source IN LISTS ARGN)
		get_filename_component(source ${source} ABSOLUTE)
		if(EXISTS ${source})
			set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
			file(STRINGS ${source} marked REGEX "^/\\* threads \\*/$")
			if(marked)
				set_tests_properties(${name} PROPERTIES LABELS threads)
				add_dependencies(bide_tests_threads ${name})
			endif()
		endif()
	endforeach()
endfunction()

# bide_add_program_test(name command...): a program that passes by exit status 0; 77 says skipped. One
# that was built for another machine is run by the emulator of the toolchain file; scripts are not.
function(bide_add_program_test name)
	set(emulator)
	if(ARGV1 MATCHES "^\\$<TARGET_FILE:")
		set(emulator ${CMAKE_CROSSCOMPILING_EMULATOR})
	endif()
	add_test(NAME ${name} COMMAND ${BIDE_RUN_TEST} --program ${name} ${emulator} ${ARGN})
	set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77
		WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
endfunction()
