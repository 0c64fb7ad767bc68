// Any bytes on the control socket: framing and request. The answer is always
// a message, and the same request gets the same answer.
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "milter/control.h"
#include "milter/control_stream.h"

namespace {

using gate::milter::ReloadReport;
using gate::milter::StatsReport;

class FixedHandler : public gate::milter::ControlHandler {
 public:
  ReloadReport Reload() override {
    ReloadReport report;
    report.installed = true;
    report.rules = 12;
    return report;
  }
  StatsReport Stats() override {
    StatsReport report;
    report.statistics.rules.push_back({gate::rules::Stage::kRcpt, "no_relay",
                                       gate::rules::Action::kReject, false, 1});
    return report;
  }
  std::string Tail(uint64_t after, size_t newest) override {
    return std::to_string(after) + "," + std::to_string(newest);
  }
};

void Answer(std::string_view request) {
  FixedHandler handler;
  const std::string answer =
      gate::milter::AnswerControlRequest(request, handler);
  if (answer.empty() ||
      answer != gate::milter::AnswerControlRequest(request, handler)) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kMaxRequestBytes = size_t{1} << 20;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Answer(bytes);
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0) return 0;
  const gate::milter::UniqueFd reader(pair[0]);
  {
    const gate::milter::UniqueFd writer(pair[1]);
    if (write(writer.get(), data, size) != static_cast<ssize_t>(size)) return 0;
  }
  const auto request = gate::milter::ReceiveMessage(
      reader.get(), kMaxRequestBytes,
      std::chrono::steady_clock::now() + std::chrono::seconds(5));
  if (request.ok()) Answer(*request);
  return 0;
}
