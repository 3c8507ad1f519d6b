# cmake --install: headers, tinyfiqa::dispatch, the tool, and what find_package(tinyfiqa) reads.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(tinyfiqa_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tinyfiqa)
install(DIRECTORY include/tinyfiqa DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(TARGETS tinyfiqa EXPORT tinyfiqaTargets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT tinyfiqaTargets NAMESPACE tinyfiqa:: DESTINATION ${tinyfiqa_cmake_dir})
set(tinyfiqa_any_processor ARCH_INDEPENDENT)
if(TINYFIQA_DISPATCH)
  install(TARGETS tinyfiqa_dispatch tinyfiqa_dispatch_training EXPORT tinyfiqaDispatch
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT tinyfiqaDispatch NAMESPACE tinyfiqa:: DESTINATION ${tinyfiqa_cmake_dir})
  set(tinyfiqa_any_processor "")
endif()
if(TARGET tinyfiqa_cli)
  install(TARGETS tinyfiqa_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  # The program looks for its modules in ../lib/tinyfiqa, whatever the system calls its library folder.
  get_property(tinyfiqa_modules GLOBAL PROPERTY tinyfiqa_modules)
  if(tinyfiqa_modules)
    install(TARGETS ${tinyfiqa_modules} LIBRARY DESTINATION lib/tinyfiqa)
  endif()
endif()
install(DIRECTORY weights/ DESTINATION ${CMAKE_INSTALL_DATADIR}/tinyfiqa FILES_MATCHING PATTERN "*.safetensors")
configure_package_config_file(cmake/tinyfiqaConfig.cmake.in tinyfiqaConfig.cmake INSTALL_DESTINATION ${tinyfiqa_cmake_dir})
write_basic_package_version_file(tinyfiqaConfigVersion.cmake COMPATIBILITY SameMinorVersion ${tinyfiqa_any_processor})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tinyfiqaConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/tinyfiqaConfigVersion.cmake
              cmake/FindHeaders.cmake cmake/stb.cpp
        DESTINATION ${tinyfiqa_cmake_dir})
