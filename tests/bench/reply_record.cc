#include "tests/bench/reply_record.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace gate::bench {

bool ReplyRecord::Add(char command, std::string_view answer) {
  std::string& known = answers_[static_cast<unsigned char>(command)];
  if (known.empty()) known = answer;
  return known == answer;
}

std::string ReplyRecord::ToText() const {
  std::string text;
  for (size_t i = 0; i < answers_.size(); ++i) {
    if (answers_[i].empty()) continue;
    absl::StrAppend(&text, std::string(1, static_cast<char>(i)), " ",
                    absl::BytesToHexString(answers_[i]), "\n");
  }
  return text;
}

absl::StatusOr<ReplyRecord> ReplyRecord::Parse(std::string_view text) {
  ReplyRecord record;
  for (const std::string& line : std::vector<std::string>(
           absl::StrSplit(std::string(text), '\n', absl::SkipEmpty()))) {
    const std::string hex = line.substr(std::min<size_t>(2, line.size()));
    bool good = !hex.empty() && hex.size() % 2 == 0 && line[1] == ' ';
    for (const char c : hex) {
      good = good && absl::ascii_isxdigit(static_cast<unsigned char>(c));
    }
    if (!good || !record.Add(line[0], absl::HexStringToBytes(hex))) {
      return absl::InvalidArgumentError(
          absl::StrCat("no line of a record: ", line));
    }
  }
  return record;
}

absl::StatusOr<ReplyRecord> ReplyRecord::Read(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  std::ostringstream text;
  text << file.rdbuf();
  return Parse(text.str());
}

}  // namespace gate::bench
