// Random sequences of what an MTA may tell a connection, with hostile
// arguments, in any order: nothing breaks, and all that would go back to the
// MTA is well-formed.
//
// Input: bytes; each event is one byte, then its texts (see Input::Text).
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "milter/blocking_answers.h"
#include "milter/connection.h"
#include "policy/clock.h"
#include "policy/memory_store.h"
#include "tests/rules/policy_text.h"

namespace gate::milter {
namespace {

constexpr char kPolicy[] = R"(
  list ours      domains  { .b.example }
  list neighbours networks { 127.0.0.0/8 2001:db8::/32 }
  limit clients  3/min per client.network counting connections
  limit messages 3/min per sender         counting messages
  limit rcpts    9/min per auth.user      counting recipients
  limit volume   1M/min per client.ip    counting bytes
  limit bad      3/hour per client.network counting rejections
  at connect {
    busy:    defer 421 4.7.0 "Limit {limit.name}: {client.ip}" when over clients
    blocked: reject 554 5.7.1 "Blocked: {client.name}" when client.port < 1024
  }
  at helo {
    liar:    reject 550 5.7.1 "Not your name: {helo}" when helo in ours
  }
  at mail {
    odd:     quarantine "odd sender {sender}" when sender.local == "odd"
    gone:    discard when sender.domain matches "*.gone"
    many:    defer 451 4.7.1 "Used {limit.used} of {limit.allowed}" when over messages
    large:   reject 552 5.3.4 "Too large: {sender.size}" when sender.size > 10M
    hated:   reject 550 5.7.1 "Hated" when banned(client.network) or over bad
    volume:  defer when over volume
  }
  at rcpt {
    relay:   reject 554 5.7.1 "Not here: {rcpt.raw}"
             when rcpt.domain not in ours and not client.ip in neighbours
    routed:  reject 550 5.7.1 "Routed" when rcpt.routed
    fast:    defer 451 4.7.1 "In {limit.retry_after}" when over rcpts
    harvest: ban client.network for 1h when rcpt.rejected > 3
  }
  at data { few: reject 550 5.7.1 "Nobody" when rcpt.count == 0 }
  at headers {
    forged:  reject 550 5.7.1 "From {from}" when from.domain in ours
    crowd:   reject 550 5.7.1 "From {from.count}" when from.count > 1
  }
  at message {
    tag:     add header "X-Gate" "{header[\"Subject\"]} {sender} {helo}"
             when header["Precedence"] == "bulk"
    replace: set header "Precedence" "{header[\"Precedence\"]}"
             when header.count["Precedence"] > 1
    drop:    remove header "X-Secret" when message.size > 100
    note:    log "{header[\"Subject\"]}" when header["Subject"]
    casino:  reject 554 5.7.1 "Casino {queue.id}" when body ~ /(?i)casino/
  }
)";

// What was found is written before the program ends: libFuzzer keeps the input.
void Check(bool ok, const char* claim) {
  if (ok) return;
  std::fprintf(stderr, "not true: %s\n", claim);
  std::abort();
}

class Input {
 public:
  Input(const uint8_t* data, size_t size) : rest_(data, data + size) {}

  bool empty() const { return at_ == rest_.size(); }
  uint8_t Byte() { return empty() ? 0 : rest_[at_++]; }

  // A byte says how long the text is; above 0xf0 it is repeated to 60 KB.
  std::string Text() {
    const uint8_t head = Byte();
    const size_t size =
        std::min<size_t>(head > 0xf0 ? head - 0xf0 : head, rest_.size() - at_);
    std::string text(rest_.begin() + static_cast<ptrdiff_t>(at_),
                     rest_.begin() + static_cast<ptrdiff_t>(at_ + size));
    at_ += size;
    if (head > 0xf0 && size > 0) {
      const std::string part = text;
      while (text.size() < 60000) text += part;
    }
    return text;
  }

 private:
  std::vector<uint8_t> rest_;
  size_t at_ = 0;
};

class FuzzedMacros : public policy::MacroSource {
 public:
  std::optional<std::string_view> Macro(std::string_view name) const override {
    const auto found = values_.find(std::string(name));
    if (found == values_.end()) return std::nullopt;
    return found->second;
  }
  void Take(Input& input) {
    static constexpr const char* kNames[] = {
        "{client_name}",
        "{client_resolve}",
        "{client_port}",
        "{auth_authen}",
        "{auth_type}",
        "{mail_addr}",
        "{rcpt_addr}",
        "{rcpt_mailer}",
        "{daemon_name}",
        "{tls_version}",
        "{cipher_bits}",
        "i",
        "j",
        "v",
        "{client_ptr}",
        "{if_addr}",
    };
    const char* name = kNames[input.Byte() % std::size(kNames)];
    if (input.Byte() % 4 == 0) {
      values_.erase(name);
    } else {
      values_[name] = input.Text();
    }
  }

 private:
  std::map<std::string, std::string> values_;
};

bool IsPrintable(std::string_view text) {
  for (const char c : text) {
    if (c < 0x20 || c == 0x7f) return false;  // char is signed: not ASCII, too
  }
  return true;
}

void CheckReply(const Reply& reply, char code_class) {
  if (code_class == '4' && reply.line_count == 0) return;  // our own failure
  Check(reply.code.size() == 3 && reply.code[0] == code_class, "code's class");
  Check(reply.enhanced[0] == code_class, "enhanced code's class");
  Check(reply.line_count >= 1 && reply.line_count <= Reply::kMaxLines, "lines");
  for (const std::string& line : reply.used()) {
    Check(line.size() <= Reply::kMaxLine, "line's length");
    Check(IsPrintable(line), "line's bytes");
    Check(line.empty() || line[0] < '0' || line[0] > '9', "line's begin");
  }
}

void CheckChanges(const Connection& connection) {
  for (const HeaderChange& change : connection.changes()) {
    Check(!change.name.empty(), "header's name");
    const bool remove = change.kind == HeaderChange::Kind::kRemove;
    Check(remove == (change.instance > 0), "instances count from 1");
    std::string unfolded;
    for (size_t i = 0; i < change.value.size(); ++i) {
      if (change.value[i] != '\n') {
        unfolded += change.value[i];
      } else {
        Check(change.value.substr(i + 1, 1) == " ", "folded before a blank");
      }
    }
    Check(IsPrintable(unfolded), "header value's bytes");
  }
  Check(IsPrintable(connection.quarantine()), "quarantine's reason");
}

// One MTA's connection and what it tells.
class Run {
 public:
  Run(const std::shared_ptr<const rules::Policy>& policy, Input& input)
      : input_(input) {
    engine_.Install(policy);
    Open();
  }

  void Play() {
    while (!input_.empty()) Step();
    connection_->Close();
  }

 private:
  void Open() {
    connection_ =
        std::make_unique<Connection>(engine_, store_, statistics_, answers_);
  }

  void Step() {
    switch (input_.Byte() % 16) {
      case 0:
        return Connect();
      case 1:
        text_ = input_.Text();
        return Answered(connection_->Helo({.macros = macros_, .name = text_}));
      case 2:
      case 3:
        TakeArguments();
        return Answered(connection_->Mail(
            {.macros = macros_, .path = text_, .parameters = views_}));
      case 4:
      case 5:
      case 6:
        TakeArguments();
        return Answered(connection_->Rcpt(
            {.macros = macros_, .path = text_, .parameters = views_}));
      case 7:
        return Answered(connection_->Data({.macros = macros_}));
      case 8:
      case 9:
        return Header();
      case 10:
        return Answered(connection_->Headers({.macros = macros_}));
      case 11:
        return Body();
      case 12:
        return Message();
      case 13:
        return connection_->Abort();
      case 14:
        clock_.Advance(int64_t{input_.Byte()} * 1'000'000);
        return macros_.Take(input_);
      default:
        connection_->Close();
        if (input_.Byte() % 2 == 0) Open();
    }
  }

  void Connect() {
    text_ = input_.Text();
    policy::ConnectEvent event{.macros = macros_,
                               .host = text_,
                               .address = std::nullopt,
                               .port = input_.Byte()};
    const uint8_t kind = input_.Byte();
    if (kind % 4 == 1) event.address = rules::IpAddress::FromV4(kind * 77u);
    if (kind % 4 == 2) {
      event.address = rules::IpAddress::FromBytes({0x20, 1, 0xd, 0xb8, kind});
    }
    Answered(connection_->Connect(event));
  }

  void TakeArguments() {
    text_ = input_.Text();
    parameters_.clear();
    views_.clear();
    for (int left = input_.Byte() % 4; left > 0; --left) {
      parameters_.push_back(input_.Text());
    }
    for (const std::string& parameter : parameters_) {
      views_.push_back(parameter);
    }
  }

  void Header() {
    static constexpr const char* kNames[] = {
        "X-Gate", "Subject", "From", "Precedence", "X-Secret", "x-gate"};
    const uint8_t which = input_.Byte();
    const std::string name = which % 8 < std::size(kNames)
                                 ? std::string(kNames[which % 8])
                                 : input_.Text();
    connection_->Header(name, input_.Text());
  }

  void Body() {
    const Response response = connection_->Body(input_.Text());
    Check(response == Response::kContinue || response == Response::kSkipBody,
          "the body is only collected");
  }

  void Message() {
    const Response response = connection_->Message({.macros = macros_});
    if (response == Response::kContinue) CheckChanges(*connection_);
    Answered(response);
  }

  void Answered(Response response) {
    Check(response != Response::kSkipBody, "only body chunks are skipped");
    if (response == Response::kReject) CheckReply(connection_->reply(), '5');
    if (response == Response::kDefer) CheckReply(connection_->reply(), '4');
  }

  Input& input_;
  policy::ManualClock clock_;
  policy::Statistics statistics_;
  policy::NullEventLog log_;
  policy::MemoryStore store_{{.max_entries = 1000}};
  policy::References references_{/*node=*/0};
  policy::Engine engine_{clock_, statistics_, log_, references_};
  FuzzedMacros macros_;
  std::string text_;
  std::vector<std::string> parameters_;
  std::vector<std::string_view> views_;
  BlockingAnswers answers_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace
}  // namespace gate::milter

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto policy = gate::rules::CompileText(gate::milter::kPolicy);
  gate::milter::Input input(data, size);
  gate::milter::Run(policy, input).Play();
  return 0;
}
