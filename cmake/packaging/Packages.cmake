# The packages: cpack -G DEB, cpack -G RPM. Both have the same files, but for what
# Debian.cmake makes of them.

include(Version.cmake)

if(Mesos_FOUND)
  # A fork may go under the same numbers: the name of the tree tells it.
  string(TOLOWER ${Mesos_TREE} tree)
  set(release 1+${tree}${Mesos_VERSION})
  set(loads "It is built against ${Mesos_TREE} ${Mesos_VERSION} and loads into agents of this version.")
  get_filename_component(libraries ${Mesos_LIBRARY} DIRECTORY)
  set(libraries ${libraries} ${libraries}/mesos/3rdparty/lib)
else()
  set(release 1+slice)
  set(loads "It is built against no Mesos but against the slice of its module API
that comes with the sources: the library loads into sluice-harness,
the stand-in for an agent, and into no agent.")
  set(libraries ${CMAKE_BINARY_DIR}/tests/mesosapi)
endif()

set(CPACK_PACKAGE_NAME mesos-sluice)
set(CPACK_PACKAGE_VERSION ${SLUICE_PACKAGE_VERSION})
set(CPACK_PACKAGE_VENDOR "The sluice project")
set(CPACK_PACKAGE_CONTACT "The sluice project <modules@sluice.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "container logger for Apache Mesos agents")
set(CPACK_PACKAGE_DESCRIPTION "A library that an Apache Mesos agent loads to copy what containers
print into their sandboxes, with every file under its limit, rotated by
the language of logrotate and without helper processes; and the command
sluice, which checks its configuration, reads the logs, and keeps
serving the containers while the agent is away.

${loads}")
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_RELOCATABLE OFF)

# Located.cmake has to see the prefix of the machine, not that of a staging area.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)

# Conflicts: the package of that name in Debian has another program as /usr/bin/sluice.
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${release})
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_CONFLICTS sluice)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS mesos)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${libraries})
if(CMAKE_VERSION VERSION_LESS 3.20) # which does not know of private directories
  string(REPLACE ";" ":" path "${libraries}")
  set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_CURRENT_BINARY_DIR}/environment.cmake)
  file(WRITE ${CPACK_PROJECT_CONFIG_FILE} "set(ENV{LD_LIBRARY_PATH} \"${path}\")\n")
endif()
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${CMAKE_CURRENT_SOURCE_DIR}/debian/postinst
  ${CMAKE_CURRENT_SOURCE_DIR}/debian/prerm
  ${CMAKE_CURRENT_SOURCE_DIR}/debian/postrm)
install(CODE "
  set(NAME \"${CPACK_PACKAGE_NAME}\")
  set(VERSION \"${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}\")
  set(CONTACT \"${CPACK_PACKAGE_CONTACT}\")")
install(SCRIPT Debian.cmake)

set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
set(CPACK_RPM_PACKAGE_RELEASE ${release})
set(CPACK_RPM_PACKAGE_LICENSE Apache-2.0)
set(CPACK_RPM_PACKAGE_GROUP System/Logging)
set(CPACK_RPM_PACKAGE_SUMMARY ${CPACK_PACKAGE_DESCRIPTION_SUMMARY})
set(CPACK_RPM_PACKAGE_DESCRIPTION ${CPACK_PACKAGE_DESCRIPTION})
set(CPACK_RPM_POST_INSTALL_SCRIPT_FILE ${CMAKE_CURRENT_SOURCE_DIR}/rpm/post)
set(CPACK_RPM_PRE_UNINSTALL_SCRIPT_FILE ${CMAKE_CURRENT_SOURCE_DIR}/rpm/preun)
set(CPACK_RPM_POST_UNINSTALL_SCRIPT_FILE ${CMAKE_CURRENT_SOURCE_DIR}/rpm/postun)
# What the agent has loaded already is no dependency; a plugin is nothing to depend on.
set(CPACK_RPM_SPEC_MORE_DEFINE "%define __requires_exclude ^lib(mesos|process)
%define _build_id_links none
%define __provides_exclude ^libsluice_container_logger")
# Directories of systemd. Those of the shells may be missing, and go with the package.
set(CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION /usr/lib/systemd /usr/lib/systemd/system)

include(CPack)
