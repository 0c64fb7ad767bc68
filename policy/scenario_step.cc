#include "policy/scenario_step.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "absl/strings/str_format.h"

namespace gate::policy {
namespace {

using rules::ast::Literal;
using rules::ast::Step;

// A `{first..last}` in a word.
struct Range {
  size_t begin = 0;  // of its text, in the word
  size_t size = 0;
  uint32_t first = 0;
  uint32_t last = 0;
  size_t count() const { return size_t{last} - first + 1; }
};

std::optional<uint32_t> ParseNumber(std::string_view text) {
  uint32_t number = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return number;
}

std::optional<Range> FindRange(std::string_view word) {
  const size_t begin = word.find('{');
  if (begin == std::string_view::npos) return std::nullopt;
  const size_t dots = word.find("..", begin);
  const size_t end = word.find('}', begin);
  if (end == std::string_view::npos || dots > end) return std::nullopt;
  const auto first = ParseNumber(word.substr(begin + 1, dots - begin - 1));
  const auto last = ParseNumber(word.substr(dots + 2, end - dots - 2));
  if (!first || !last || *last < *first) return std::nullopt;
  return Range{begin, end + 1 - begin, *first, *last};
}

std::string Expand(std::string_view word, size_t index) {
  const std::optional<Range> range = FindRange(word);
  if (!range) return std::string(word);
  const size_t offset = std::min(index, range->count() - 1);
  return absl::StrFormat("%s%u%s", word.substr(0, range->begin),
                         range->first + offset,
                         word.substr(range->begin + range->size));
}

}  // namespace

std::string_view Word(const Step& step, size_t index) {
  if (index >= step.words.size()) return {};
  return step.words[index].text;
}

bool HasOption(const Step& step, std::string_view name) {
  return std::ranges::any_of(step.options, [&](const auto& option) {
    return option.first.text == name;
  });
}

std::string_view Option(const Step& step, std::string_view name) {
  for (const auto& [option, value] : step.options) {
    if (option.text == name) return value.text;
  }
  return {};
}

ScenarioClient ReadClient(const Step& step) {
  ScenarioClient client;
  if (!step.words.empty()) client.address = step.words[0].prefix.base();
  client.name = Word(step, 1);
  client.verified = !HasOption(step, "unverified");
  client.listener = Option(step, "listener");
  for (const auto& [option, value] : step.options) {
    if (option.text == "port")
      client.port = static_cast<uint16_t>(value.number);
  }
  return client;
}

ScenarioTls ReadTls(const Step& step) {
  ScenarioTls tls;
  tls.version = Word(step, 0);
  if (HasOption(step, "cipher")) tls.cipher = Option(step, "cipher");
  if (HasOption(step, "bits")) tls.bits = Option(step, "bits");
  tls.subject = Option(step, "subject");
  tls.issuer = Option(step, "issuer");
  tls.verified = HasOption(step, "verified");
  return tls;
}

std::string ReadBody(const Step& step) {
  const size_t lines = CountPlays(step);
  if (lines == 1) return std::string(Word(step, 0));
  std::string body;
  for (size_t i = 0; i < lines; ++i) {
    absl::StrAppendFormat(&body, "%s\r\n", WordsOfPlay(step, i)[0]);
  }
  return body;
}

size_t CountPlays(const Step& step) {
  size_t count = 1;
  for (const Literal& word : step.words) {
    if (const auto range = FindRange(word.text)) {
      count = std::max(count, range->count());
    }
  }
  return count;
}

std::vector<std::string> WordsOfPlay(const Step& step, size_t index) {
  std::vector<std::string> words;
  words.reserve(step.words.size());
  for (const Literal& word : step.words) {
    std::string text = Expand(word.text, index);
    if (word.kind == Literal::Kind::kMailbox) {
      text = absl::StrFormat("<%s>", text);
    }
    words.push_back(std::move(text));
  }
  return words;
}

}  // namespace gate::policy
