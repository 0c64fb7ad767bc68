#include "tests/bench/session_script.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "tests/bench/mta_macros.h"

namespace gate::bench {
namespace {

constexpr size_t kLargestChunk = 65535;  // of a body (MILTER_CHUNK_SIZE)
constexpr size_t kLineLength = 76;

struct Step {
  char command;
  uint32_t left_out;  // SMFIP_NO*
  uint32_t no_reply;  // SMFIP_NR_*
};
constexpr std::array<Step, 9> kSteps = {{
    {'C', milter::kStepNoConnect, 0x1000},
    {'H', milter::kStepNoHelo, 0x2000},
    {'M', milter::kStepNoMail, 0x4000},
    {'R', milter::kStepNoRcpt, 0x8000},
    {'T', milter::kStepNoData, 0x10000},
    {'L', milter::kStepNoHeaders, milter::kStepNoReplyToHeaders},
    {'N', milter::kStepNoEndOfHeaders, 0x40000},
    {'B', milter::kStepNoBody, 0x80000},
    {'E', 0, 0},
}};

// Puts a number for each `{1-9}`.
std::string Drawn(std::string_view text, std::mt19937_64& random) {
  std::string out;
  while (!text.empty()) {
    const size_t open = std::min(text.find('{'), text.size());
    const size_t close = text.find('}', open);
    out.append(text.substr(0, open));
    text.remove_prefix(open);
    if (close == std::string_view::npos) break;
    const std::string range(text.substr(1, close - open - 1));
    const std::pair<std::string, std::string> ends =
        absl::StrSplit(range, absl::MaxSplits('-', 1));
    uint32_t least = 0;
    uint32_t most = 0;
    if (absl::SimpleAtoi(ends.first, &least) &&
        absl::SimpleAtoi(ends.second, &most) && least <= most) {
      out.append(std::to_string(
          std::uniform_int_distribution<uint32_t>(least, most)(random)));
    } else {
      out.append(text.substr(0, range.size() + 2));
    }
    text.remove_prefix(range.size() + 2);
  }
  return out.append(text);
}

std::string BodyText(size_t size, std::mt19937_64& random) {
  std::uniform_int_distribution<int> letter('a', 'z');
  std::string text(size, ' ');
  for (size_t i = 0; i < size; ++i) {
    const size_t column = i % kLineLength;
    if (column == kLineLength - 2) {
      text[i] = '\r';
    } else if (column == kLineLength - 1) {
      text[i] = '\n';
    } else {
      text[i] = static_cast<char>(letter(random));
    }
  }
  return text;
}

class ScriptMaker {
 public:
  ScriptMaker(const MixKind& kind, const milter::NegotiationAnswer& negotiation,
              std::mt19937_64& random)
      : negotiation_(negotiation), random_(random) {
    script_.kind = &kind;
  }

  absl::StatusOr<SessionScript> Make() {
    const std::vector<MixEvent>& events = script_.kind->events;
    for (size_t i = 0; i < events.size(); ++i) {
      event_ = static_cast<uint32_t>(i);
      if (absl::Status status = Add(events[i]); !status.ok()) return status;
    }
    if (in_message_) milter::AppendPacket('A', "", script_.bytes);
    milter::AppendPacket('Q', "", script_.bytes);
    return std::move(script_);
  }

 private:
  absl::Status Add(const MixEvent& event) {
    std::vector<std::string> arguments;
    arguments.reserve(event.arguments.size());
    for (const std::string& argument : event.arguments) {
      arguments.push_back(Drawn(argument, random_));
    }
    macros_.Take(event.command, arguments);
    if (event.command == 'M') in_message_ = true;
    if (event.command == 'E') in_message_ = false;
    if (event.command != 'B') return Send(event, Data(event, arguments));
    size_t size = 0;
    if (!absl::SimpleAtoi(arguments[0], &size)) {
      return absl::InvalidArgumentError("body: how many bytes?");
    }
    const std::string body = BodyText(size, random_);
    for (size_t at = 0; at < body.size(); at += kLargestChunk) {
      absl::Status sent = Send(event, body.substr(at, kLargestChunk));
      if (!sent.ok()) return sent;
    }
    return absl::OkStatus();
  }

  absl::Status Send(const MixEvent& event, const std::string& data) {
    const Step& step =
        *std::ranges::find(kSteps, event.command, &Step::command);
    const uint32_t steps = negotiation_.agreed.steps;
    const bool wanted = (steps & step.left_out) == 0;
    const bool replied = wanted && (steps & step.no_reply) == 0;
    if (!replied && event.expected != "c") {
      return absl::FailedPreconditionError(absl::StrFormat(
          "%s: the milter decides nothing at %s, but it must",
          script_.kind->name, std::string(EventName(event.command))));
    }
    if (!wanted) return absl::OkStatus();
    milter::AppendPacket(
        'D', macros_.Packet(event.command, event.macros, negotiation_.macros),
        script_.bytes);
    milter::AppendPacket(event.command, data, script_.bytes);
    if (!replied) return absl::OkStatus();
    script_.turns.push_back({.end = script_.bytes.size(),
                             .command = event.command,
                             .event = event_});
    return absl::OkStatus();
  }

  static std::string Data(const MixEvent& event,
                          const std::vector<std::string>& arguments) {
    std::string data;
    if (event.command == 'C') {
      constexpr uint16_t kPort = 40125;
      milter::AppendClient(
          arguments[0], arguments.size() > 1 ? arguments[1] : "", kPort, data);
      return data;
    }
    for (const std::string& each : arguments) milter::AppendText(each, data);
    return data;
  }

  const milter::NegotiationAnswer& negotiation_;
  std::mt19937_64& random_;
  MtaMacros macros_;
  SessionScript script_;
  uint32_t event_ = 0;
  bool in_message_ = false;
};

}  // namespace

absl::StatusOr<SessionScript> MakeScript(
    const MixKind& kind, const milter::NegotiationAnswer& negotiation,
    std::mt19937_64& random) {
  return ScriptMaker(kind, negotiation, random).Make();
}

}  // namespace gate::bench
