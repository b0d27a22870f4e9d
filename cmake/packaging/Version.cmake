# SLUICE_PACKAGE_VERSION: a version that dpkg and rpm sort as people would. A
# release is X.Y.Z, N commits after it X.Y.Z+N.gHASH, and what comes before the
# first is the text of VERSION, with a tilde and the time of the commit.

if(SLUICE_VERSION MATCHES "^v?([0-9.]+)$")
  set(SLUICE_PACKAGE_VERSION ${CMAKE_MATCH_1})
elseif(SLUICE_VERSION MATCHES "^v?([0-9.]+)-([0-9]+)-(g[0-9a-f]+)")
  set(SLUICE_PACKAGE_VERSION ${CMAKE_MATCH_1}+${CMAKE_MATCH_2}.${CMAKE_MATCH_3})
else()
  file(STRINGS ${PROJECT_SOURCE_DIR}/VERSION _version LIMIT_COUNT 1)
  execute_process(
    COMMAND ${GIT_EXECUTABLE} log -1 --date=format-local:%Y%m%d%H%M --format=~%cd.%h
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    OUTPUT_VARIABLE _commit
    OUTPUT_STRIP_TRAILING_WHITESPACE
    RESULT_VARIABLE status)
  sluice_expect_success("${status}" "git log")
  set(SLUICE_PACKAGE_VERSION ${_version}${_commit})
endif()

if(SLUICE_VERSION MATCHES "-dirty$")
  string(APPEND SLUICE_PACKAGE_VERSION .dirty)
endif()
