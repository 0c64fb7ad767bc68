#include "policy/redis_command.h"

#include <array>
#include <charconv>

namespace gate::policy {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

class Decimal {
 public:
  explicit Decimal(uint64_t number)
      : end_(std::to_chars(text_.data(), text_.data() + text_.size(), number)
                 .ptr) {}
  std::string_view text() const { return {text_.data(), end_}; }

 private:
  std::array<char, 20> text_;
  const char* end_;
};

void AppendSize(std::string& out, char kind, size_t size) {
  out.push_back(kind);
  out.append(Decimal(size).text());
  out.append(kLineEnd);
}

}  // namespace

RedisCommand::RedisCommand(std::string& out, size_t arguments) : out_(out) {
  AppendSize(out_, '*', arguments);
}

void RedisCommand::Add(std::string_view argument) {
  AppendSize(out_, '$', argument.size());
  out_.append(argument);
  out_.append(kLineEnd);
}

void RedisCommand::Add(uint64_t number) { Add(Decimal(number).text()); }

}  // namespace gate::policy
