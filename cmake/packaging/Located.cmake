# Run at install time: installs the files that name where others have been
# installed to. SOURCE and BINARY are this directory's.

set(bindir ${CMAKE_INSTALL_PREFIX}/bin)
set(libdir ${CMAKE_INSTALL_PREFIX}/lib/sluice)

function(install_located name destination)
  configure_file(${SOURCE}/${name}.in ${BINARY}/${name} @ONLY)
  file(INSTALL ${BINARY}/${name} DESTINATION ${CMAKE_INSTALL_PREFIX}/${destination}
    PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endfunction()

install_located(sluice-keeper.service lib/systemd/system)
install_located(modules.json share/doc/mesos-sluice/examples)
