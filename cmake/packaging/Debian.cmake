# Run at install time, as the last of it: where cpack stages a .deb, Debian's own places and
# files. NAME, VERSION and CONTACT are the package's. (CPACK_PRE_BUILD_SCRIPTS is of
# CMake 3.19.)

if(NOT "$ENV{DESTDIR}" MATCHES "/_CPack_Packages/[^/]+/DEB/")
  return()
endif()

set(share $ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/share)

# zsh looks for completions of packages there.
file(RENAME ${share}/zsh/site-functions ${share}/zsh/vendor-completions)

# The package's own changelog; what changed in sluice is in changelog.gz.
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE ${share}/doc/mesos-sluice/changelog.Debian
"${NAME} (${VERSION}) unstable; urgency=medium

  * Built from the sources; changelog.gz tells what has changed in them.

 -- ${CONTACT}  ${now}
")
execute_process(COMMAND gzip -9nf ${share}/doc/mesos-sluice/changelog.Debian RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "gzip of changelog.Debian failed")
endif()
