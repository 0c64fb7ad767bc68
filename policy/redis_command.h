// Redis's commands in argv form (RESP2, "arrays of bulk strings"): binary
// safe, never a format with somebody's data in it.
//
//   RedisCommand command(out, 3);  // appends to `out`
//   command.Add("SET"); command.Add(key); command.Add(12);
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gate::policy {

class RedisCommand {
 public:
  // Requires: Add is called `arguments` times.
  RedisCommand(std::string& out, size_t arguments);
  void Add(std::string_view argument);
  void Add(uint64_t number);

 private:
  std::string& out_;
};

}  // namespace gate::policy
