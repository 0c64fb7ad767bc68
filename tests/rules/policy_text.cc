#include "tests/rules/policy_text.h"

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "absl/status/status.h"

namespace gate::rules {
namespace {

class OneFile : public FileReader {
 public:
  explicit OneFile(const std::string& text) : text_(text) {}
  absl::StatusOr<std::string> Read(const std::string& path) override {
    if (path != "test.rules") return absl::NotFoundError("no such file");
    return text_;
  }
  std::vector<std::string> Glob(const std::string& pattern) override {
    return {pattern};
  }

 private:
  const std::string& text_;
};

}  // namespace

std::shared_ptr<const Policy> CompileText(const std::string& text,
                                          const LoadOptions& options) {
  OneFile reader(text);
  LoadResult result = LoadPolicy(reader, "test.rules", options);
  if (result.policy == nullptr) {
    std::fputs((text + "\n" + result.Render()).c_str(), stderr);
    std::abort();
  }
  return result.policy;
}

}  // namespace gate::rules
