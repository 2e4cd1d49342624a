# Every examples/*.c is a program and a test that runs it; a folder with a CMakeLists.txt is a
# project of its own. Each runs as a simulation too, but for those that say that they need threads.

set(bide_examples_with_threads completion_source jobs stop_by_signal thread udp_echo)
# These need arguments, or serve until a signal comes. tests/servers and tests/external run them.
set(bide_examples_of_servers chat_server echo_server hash_tree line_server port_scanner rerun)
file(GLOB bide_examples CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/*.c)
foreach(source IN LISTS bide_examples)
	get_filename_component(name ${source} NAME_WE)
	add_executable(example_${name} ${source})
	bide_own_code(example_${name})
	target_link_libraries(example_${name} PRIVATE bide_static)
	set_target_properties(example_${name} PROPERTIES OUTPUT_NAME ${name}
		RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples)
	if(name IN_LIST bide_examples_of_servers)
		continue()
	endif()
	bide_add_program_test(example_${name} $<TARGET_FILE:example_${name}>)
	if(NOT name IN_LIST bide_examples_with_threads)
		bide_add_program_test(example_${name}_seeded $<TARGET_FILE:example_${name}>)
		set_tests_properties(example_${name}_seeded PROPERTIES ENVIRONMENT BIDE_SEED=1)
	endif()
endforeach()

file(GLOB bide_example_projects CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/*/CMakeLists.txt)
foreach(project IN LISTS bide_example_projects)
	get_filename_component(folder ${project} DIRECTORY)
	get_filename_component(name ${folder} NAME)
	add_subdirectory(${folder} ${PROJECT_BINARY_DIR}/examples/${name})
endforeach()
