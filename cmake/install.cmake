# What `cmake --install` puts where: headers, both libraries, bide.pc, the CMake package, man pages.

include(CMakePackageConfigHelpers)

# A folder of their own: gcc drops many warnings of macros from headers that lie in /usr/include or
# /usr/local/include, and with them what finds lost locals and dropped value tasks.
install(DIRECTORY include/bide DESTINATION ${BIDE_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(TARGETS bide bide_static EXPORT bide-targets
	LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
	ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})

# For gdb: where it looks for what belongs to the shared object; and a place to name in `source`.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
	set(bide_full_libdir "${CMAKE_INSTALL_LIBDIR}")
else()
	set(bide_full_libdir "\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}")
endif()
install(FILES tools/bide-gdb.py DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/gdb/auto-load${bide_full_libdir}"
	RENAME libbide.so.${PROJECT_VERSION}-gdb.py)
install(FILES tools/bide-gdb.py DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/bide)

foreach(section IN ITEMS 3 7)
	file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/man/man${section}/*.${section})
	if(pages)
		install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
	endif()
	# A page is found under each name in its NAME section, of functions, types and constants: a link
	# of one line. A test of the documents checks that all public names are there.
	foreach(page IN LISTS pages)
		get_filename_component(file ${page} NAME)
		set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${page})
		file(STRINGS ${page} names REGEX "^\\.Nm (bide|BIDE)_[A-Za-z0-9_]+")
		foreach(name IN LISTS names)
			string(REGEX REPLACE "^\\.Nm ([A-Za-z0-9_]+).*" "\\1.${section}" name "${name}")
			if(NOT EXISTS ${PROJECT_SOURCE_DIR}/docs/man/man${section}/${name})
				file(WRITE ${PROJECT_BINARY_DIR}/man/${name} ".so man${section}/${file}\n")
				install(FILES ${PROJECT_BINARY_DIR}/man/${name}
					DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
			endif()
		endforeach()
	endforeach()
endforeach()

# bide.pc is written when it is installed: only then is the prefix known, and paths in it are without "..". What
# is moved afterwards is found by pkg-config --define-prefix.
set(BIDE_PC_CFLAGS "")
if(BIDE_COMPUTED_GOTO)
	set(BIDE_PC_CFLAGS " -DBIDE_COMPUTED_GOTO=1")
endif()
set(BIDE_LIBDIR "${CMAKE_INSTALL_LIBDIR}")
foreach(kind IN ITEMS LIBDIR INCLUDEDIR)
	set(BIDE_PC_${kind} "\${prefix}/${BIDE_${kind}}")
	if(IS_ABSOLUTE "${BIDE_${kind}}")
		set(BIDE_PC_${kind} "${BIDE_${kind}}")
	endif()
endforeach()
set(AT "@")
function(bide_install_pc name)
	configure_file(cmake/${name}.pc.in ${name}.pc.in @ONLY)
	install(CODE "
		set(BIDE_PC_PREFIX \"\${CMAKE_INSTALL_PREFIX}\")
		configure_file(\"${PROJECT_BINARY_DIR}/${name}.pc.in\" \"${PROJECT_BINARY_DIR}/${name}.pc\" @ONLY)")
	install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()
bide_install_pc(bide)

set(bide_package ${CMAKE_INSTALL_LIBDIR}/cmake/bide)
install(EXPORT bide-targets NAMESPACE bide:: DESTINATION ${bide_package})
configure_package_config_file(cmake/bide-config.cmake.in bide-config.cmake
	INSTALL_DESTINATION ${bide_package})
write_basic_package_version_file(bide-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/bide-config.cmake ${PROJECT_BINARY_DIR}/bide-config-version.cmake
	DESTINATION ${bide_package})

if(NOT TARGET uninstall)
	configure_file(cmake/uninstall.cmake.in uninstall.cmake @ONLY)
	add_custom_target(uninstall COMMAND ${CMAKE_COMMAND} -P ${PROJECT_BINARY_DIR}/uninstall.cmake
		COMMENT "Removing what was installed from this build")
endif()
