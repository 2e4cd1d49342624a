# Finds llhttp, or http-parser. Sets http_parser_FOUND, and the target http_parser_library.
include_guard(GLOBAL)

find_path(LLHTTP_INCLUDE_DIR llhttp.h)
find_library(LLHTTP_LIBRARY llhttp)
find_path(HTTP_PARSER_INCLUDE_DIR http_parser.h)
find_library(HTTP_PARSER_LIBRARY http_parser)
mark_as_advanced(LLHTTP_INCLUDE_DIR LLHTTP_LIBRARY HTTP_PARSER_INCLUDE_DIR HTTP_PARSER_LIBRARY)

add_library(http_parser_library INTERFACE)
set(http_parser_FOUND TRUE)
if(LLHTTP_INCLUDE_DIR AND LLHTTP_LIBRARY)
	target_include_directories(http_parser_library SYSTEM INTERFACE ${LLHTTP_INCLUDE_DIR})
	target_link_libraries(http_parser_library INTERFACE ${LLHTTP_LIBRARY})
	target_compile_definitions(http_parser_library INTERFACE HTTP_FILES_LLHTTP=1)
elseif(HTTP_PARSER_INCLUDE_DIR AND HTTP_PARSER_LIBRARY)
	target_include_directories(http_parser_library SYSTEM INTERFACE ${HTTP_PARSER_INCLUDE_DIR})
	target_link_libraries(http_parser_library INTERFACE ${HTTP_PARSER_LIBRARY})
else()
	set(http_parser_FOUND FALSE)
	message(STATUS "examples/http_files is left out: it needs llhttp or http-parser "
		"(Debian: libllhttp-dev, libhttp-parser-dev)")
endif()
