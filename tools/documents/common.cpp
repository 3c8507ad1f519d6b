#include "documents/documents.hpp"

#include <algorithm>

Takes takes(const OptionDescription& option) {
  if (option.value.empty()) return Takes::other;
  if (option.is_positional()) return Takes::file;  // or a folder: shells offer folders with files
  if (option.value == "DIR") return Takes::folder;
  return option.value.compare(0, 4, "FILE") == 0 || option.value == "CSV" ? Takes::file : Takes::other;
}

const std::vector<std::string>& offered(const OptionDescription& option) {
  return option.choices.empty() ? option.suggestions : option.choices;
}

std::string in_short(const std::string& text) {
  std::size_t end = text.size();
  for (const char* stop : {" (", ": ", "; ", ", "}) end = std::min(end, text.find(stop));
  return text.substr(0, end);
}

std::string joined(const std::vector<std::string>& words, const std::string& between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}
