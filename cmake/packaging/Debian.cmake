# Run by cpack before a package is made: Debian's own places and files.

if(NOT CPACK_GENERATOR STREQUAL DEB)
  return()
endif()

set(share ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share)

# zsh looks for completions of packages there.
file(RENAME ${share}/zsh/site-functions ${share}/zsh/vendor-completions)

# The package's own changelog; what changed in sluice is in changelog.gz.
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE ${share}/doc/mesos-sluice/changelog.Debian
"${CPACK_PACKAGE_NAME} (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium

  * Built from the sources; changelog.gz tells what has changed in them.

 -- ${CPACK_PACKAGE_CONTACT}  ${now}
")
execute_process(
  COMMAND gzip -9n ${share}/doc/mesos-sluice/changelog.Debian
  COMMAND_ERROR_IS_FATAL ANY)
