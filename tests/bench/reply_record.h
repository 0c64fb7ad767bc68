// What a milter answered to each command of the protocol, byte for byte, so
// that a filter that does nothing can answer the same.
//
// As text, one line a command: its letter, a blank, the answer in hexadecimal.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gate::bench {

class ReplyRecord {
 public:
  // False: the command was answered otherwise before; no table of commands
  // imitates such a milter.
  bool Add(char command, std::string_view answer);

  // Whole packets; empty: not answered, or never asked.
  std::string_view AnswerTo(char command) const {
    return answers_[static_cast<unsigned char>(command)];
  }

  std::string ToText() const;
  static absl::StatusOr<ReplyRecord> Parse(std::string_view text);
  static absl::StatusOr<ReplyRecord> Read(const std::string& path);

 private:
  std::array<std::string, 256> answers_;
};

}  // namespace gate::bench
