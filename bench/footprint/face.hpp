// What main.cpp asks of the program of each library.
#pragma once

constexpr int face_side = 64;

/// Makes the network ready. `model`: path of its files without extension, for libraries that read files. False if it can't.
bool load_network(const char* model);

/// `rgb`: levels [face_side, face_side, 3].
float score_face(const unsigned char* rgb);
