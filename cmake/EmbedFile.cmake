# cmake -DIN=file -DOUT=file.cpp -P EmbedFile.cmake: a file's bytes as tinyfiqa_default_weights[].
file(READ ${IN} hex HEX)
string(LENGTH "${hex}" digits)
math(EXPR bytes "${digits} / 2")
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
file(WRITE ${OUT} "// Made from ${IN} by cmake/EmbedFile.cmake.\n#include <cstddef>\n"
     "extern const unsigned char tinyfiqa_default_weights[];\nextern const std::size_t tinyfiqa_default_weights_bytes;\n"
     "alignas(64) const unsigned char tinyfiqa_default_weights[] = {\n${hex}\n};\n"
     "const std::size_t tinyfiqa_default_weights_bytes = ${bytes};\n")
