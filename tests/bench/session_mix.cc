#include "tests/bench/session_mix.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <optional>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace gate::bench {
namespace {

struct Word {
  std::string_view name;
  char command;
  size_t least;  // arguments
  size_t most;
};
constexpr size_t kAnyNumber = 100;
constexpr std::array<Word, 10> kWords = {{
    {"negotiate", 'O', 1, 0},  // the MTA does so itself
    {"connect", 'C', 1, 2},
    {"helo", 'H', 1, 1},
    {"mail", 'M', 1, kAnyNumber},
    {"rcpt", 'R', 1, kAnyNumber},
    {"data", 'T', 0, 0},
    {"header", 'L', 1, kAnyNumber},
    {"end-of-headers", 'N', 0, 0},
    {"body", 'B', 1, 1},
    {"end-of-message", 'E', 0, 0},
}};

// Verdicts by name; three digits are a reply of that code.
std::optional<std::string> PacketOf(std::string_view verdict) {
  struct Verdict {
    std::string_view name;
    std::string_view packet;
  };
  constexpr std::array<Verdict, 6> kVerdicts = {{{"continue", "c"},
                                                 {"accept", "a"},
                                                 {"reject", "r"},
                                                 {"tempfail", "t"},
                                                 {"discard", "d"},
                                                 {"skip", "s"}}};
  for (const Verdict& each : kVerdicts) {
    if (each.name == verdict) return std::string(each.packet);
  }
  const bool code =
      verdict.size() == 3 && std::ranges::all_of(verdict, absl::ascii_isdigit);
  if (!code) return std::nullopt;
  return absl::StrCat("y", std::string(verdict));
}

class MixParser {
 public:
  absl::StatusOr<Mix> Parse(std::string_view text) {
    for (const std::string& line :
         std::vector<std::string>(absl::StrSplit(std::string(text), '\n'))) {
      ++line_;
      const std::string clean(absl::StripAsciiWhitespace(line));
      if (clean.empty() || clean[0] == '#') continue;
      const std::string fault = Take(clean);
      if (!fault.empty()) {
        return absl::InvalidArgumentError(
            absl::StrFormat("line %d: %s", line_, fault));
      }
    }
    if (mix_.empty() || mix_.back().events.empty()) {
      return absl::InvalidArgumentError("a kind without events");
    }
    return std::move(mix_);
  }

 private:
  using Words = std::vector<std::string>;

  // A fault, or nothing.
  std::string Take(const std::string& line) {
    std::string left = line;
    std::string verdict = "continue";
    if (const size_t arrow = line.rfind(" -> "); arrow != std::string::npos) {
      left = line.substr(0, arrow);
      verdict = std::string(absl::StripAsciiWhitespace(line.substr(arrow + 4)));
    }
    Words words = absl::StrSplit(left, ' ', absl::SkipEmpty());
    if (words[0] == "kind") return TakeKind(words);
    if (mix_.empty()) return "a kind comes first: `kind NAME WEIGHT`";
    if (words[0] == "macro") return TakeMacro(words);
    const auto word = std::ranges::find(kWords, words[0], &Word::name);
    if (word == kWords.end()) return absl::StrCat("no event: ", words[0]);
    const size_t count = words.size() - 1;
    if (count < word->least || count > word->most) {
      return absl::StrCat("arguments do not fit ", words[0]);
    }
    const std::optional<std::string> expected = PacketOf(verdict);
    if (!expected) return absl::StrCat("no verdict: ", verdict);
    MixEvent event{.command = word->command,
                   .arguments = {words.begin() + 1, words.end()},
                   .expected = *expected,
                   .macros = macros_};
    if (word->command == 'L') event.arguments = HeaderOf(left);
    mix_.back().events.push_back(std::move(event));
    return {};
  }

  std::string TakeKind(const Words& words) {
    if (!mix_.empty() && mix_.back().events.empty()) {
      return absl::StrCat(mix_.back().name, " has no events");
    }
    MixKind kind;
    if (words.size() != 3 || !absl::SimpleAtoi(words[2], &kind.weight) ||
        kind.weight == 0) {
      return "`kind NAME WEIGHT`, a weight from 1 on";
    }
    kind.name = words[1];
    mix_.push_back(std::move(kind));
    macros_.clear();
    return {};
  }

  std::string TakeMacro(const Words& words) {
    if (words.size() != 3) return "`macro NAME VALUE`";
    macros_.insert(macros_.begin(), {words[1], words[2]});
    return {};
  }

  // Name and value of `header Name: value`.
  static Words HeaderOf(const std::string& line) {
    const std::string field(
        absl::StripAsciiWhitespace(line.substr(line.find(' '))));
    const size_t colon = std::min(field.find(':'), field.size() - 1);
    return {field.substr(0, colon),
            std::string(absl::StripAsciiWhitespace(field.substr(colon + 1)))};
  }

  Mix mix_;
  std::vector<std::pair<std::string, std::string>> macros_;
  int line_ = 0;
};

}  // namespace

absl::StatusOr<Mix> ParseMix(std::string_view text) {
  return MixParser().Parse(text);
}

absl::StatusOr<Mix> ReadMix(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  std::ostringstream text;
  text << file.rdbuf();
  absl::StatusOr<Mix> mix = ParseMix(text.str());
  if (mix.ok()) return mix;
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": ", std::string(mix.status().message())));
}

std::string_view EventName(char command) {
  const auto word = std::ranges::find(kWords, command, &Word::command);
  return word == kWords.end() ? "unknown" : word->name;
}

}  // namespace gate::bench
