# cmake --install, in components:
#   tool                what the command needs: program, modules, trained weights, man pages, shell completions
#   development         the C++ library: headers, tinyfiqa::dispatch, and what find_package(tinyfiqa) reads
#   c, c_development    libtinyfiqa (bindings/c)
#   python              the compiled part of the Python package (bindings/python)
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(tinyfiqa_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tinyfiqa)
install(DIRECTORY include/tinyfiqa DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development FILES_MATCHING PATTERN "*.hpp")
install(TARGETS tinyfiqa EXPORT tinyfiqaTargets COMPONENT development INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT tinyfiqaTargets NAMESPACE tinyfiqa:: DESTINATION ${tinyfiqa_cmake_dir} COMPONENT development)
set(tinyfiqa_any_processor ARCH_INDEPENDENT)
if(TINYFIQA_DISPATCH)
  install(TARGETS tinyfiqa_dispatch tinyfiqa_dispatch_training EXPORT tinyfiqaDispatch
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
  install(EXPORT tinyfiqaDispatch NAMESPACE tinyfiqa:: DESTINATION ${tinyfiqa_cmake_dir} COMPONENT development)
  set(tinyfiqa_any_processor "")
endif()
configure_package_config_file(cmake/tinyfiqaConfig.cmake.in tinyfiqaConfig.cmake INSTALL_DESTINATION ${tinyfiqa_cmake_dir})
write_basic_package_version_file(tinyfiqaConfigVersion.cmake COMPATIBILITY SameMinorVersion ${tinyfiqa_any_processor})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tinyfiqaConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/tinyfiqaConfigVersion.cmake
              cmake/FindHeaders.cmake cmake/stb.cpp
        DESTINATION ${tinyfiqa_cmake_dir} COMPONENT development)

if(TARGET tinyfiqa_cli)
  install(TARGETS tinyfiqa_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT tool)
  # The program looks for its modules in ../lib/tinyfiqa, whatever the system calls its library folder.
  get_property(tinyfiqa_modules GLOBAL PROPERTY tinyfiqa_modules)
  if(tinyfiqa_modules)
    install(TARGETS ${tinyfiqa_modules} LIBRARY DESTINATION lib/tinyfiqa COMPONENT tool)
  endif()
endif()
install(DIRECTORY weights/ DESTINATION ${CMAKE_INSTALL_DATADIR}/tinyfiqa COMPONENT tool
        FILES_MATCHING PATTERN "*.safetensors" PATTERN images EXCLUDE PATTERN train EXCLUDE)  # they would be empty
if(TARGET tinyfiqa_documents)
  install(DIRECTORY ${tinyfiqa_documents_dir}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR} COMPONENT tool)
  install(FILES ${tinyfiqa_documents_dir}/completions/tinyfiqa COMPONENT tool
          DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES ${tinyfiqa_documents_dir}/completions/_tinyfiqa COMPONENT tool
          DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  install(FILES ${tinyfiqa_documents_dir}/completions/tinyfiqa.fish COMPONENT tool
          DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()
