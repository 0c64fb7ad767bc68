#include "milter/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "milter/blocking_answers.h"
#include "policy/clock.h"
#include "policy/memory_store.h"
#include "tests/rules/policy_text.h"

namespace gate::milter {
namespace {

using policy::Counter;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class MapMacros : public policy::MacroSource {
 public:
  std::optional<std::string_view> Macro(std::string_view name) const override {
    const auto found = values.find(std::string(name));
    if (found == values.end()) return std::nullopt;
    return found->second;
  }
  std::map<std::string, std::string> values;
};

// Fails as no clock does: the engine's own failure.
class FaultyClock : public policy::Clock {
 public:
  policy::Now Read() const override {
    if (fails) throw std::runtime_error("no time");
    return {};
  }
  bool fails = false;
};

// Answers on another thread: everything is over its limit.
class LateStore : public policy::Store {
 public:
  void Submit(policy::Batch& batch, policy::Waiter& waiter) noexcept override {
    thread_ = std::jthread([&batch, &waiter] {
      for (size_t i = 0; i < batch.size(); ++i) {
        batch[i].answer.state = policy::AnswerState::kOver;
      }
      waiter.Done(batch);
    });
  }
  bool Post(const policy::Effects&) noexcept override { return true; }

 private:
  std::jthread thread_;
};

class ConnectionTest : public ::testing::Test {
 protected:
  // A connection under the policy that `text` says.
  Connection& Open(const std::string& text) {
    engine_.Install(rules::CompileText(text));
    connection_ =
        std::make_unique<Connection>(engine_, *store_, statistics_, answers_);
    return *connection_;
  }

  Response Connect(const char* address = "192.0.2.1") {
    return connection_->Connect({.macros = macros_,
                                 .host = "mx.example",
                                 .address = rules::IpAddress::Parse(address),
                                 .port = 25000});
  }
  Response Helo(std::string_view name) {
    return connection_->Helo({.macros = macros_, .name = name});
  }
  Response Mail(std::string_view path = "<a@a.example>") {
    return connection_->Mail(
        {.macros = macros_, .path = path, .parameters = {}});
  }
  Response Rcpt(std::string_view path = "<b@b.example>") {
    return connection_->Rcpt(
        {.macros = macros_, .path = path, .parameters = {}});
  }
  Response Data() { return connection_->Data({.macros = macros_}); }
  Response Headers() { return connection_->Headers({.macros = macros_}); }
  Response Message() { return connection_->Message({.macros = macros_}); }
  // MAIL to end of message with these headers.
  Response Send(const std::vector<std::pair<std::string, std::string>>& list) {
    Mail();
    Rcpt();
    Data();
    for (const auto& [name, value] : list) connection_->Header(name, value);
    Headers();
    return Message();
  }

  // "remove X-Gate 2", "add X-Gate yes"
  std::vector<std::string> Changes() const {
    std::vector<std::string> texts;
    for (const HeaderChange& change : connection_->changes()) {
      const bool remove = change.kind == HeaderChange::Kind::kRemove;
      texts.push_back(remove ? "remove " + change.name + " " +
                                   std::to_string(change.instance)
                             : "add " + change.name + " " + change.value);
    }
    return texts;
  }
  std::string ReplyText() const {
    const Reply& reply = connection_->reply();
    std::string text = reply.code + " " + reply.enhanced;
    for (const std::string& line : reply.used()) text += " " + line;
    return text;
  }
  uint64_t Counted(Counter counter) const {
    return statistics_.Snapshot().counters[static_cast<size_t>(counter)];
  }

  FaultyClock clock_;
  policy::Statistics statistics_;
  policy::NullEventLog log_;
  policy::References references_{/*node=*/0};
  policy::Engine engine_{clock_, statistics_, log_, references_};
  std::unique_ptr<policy::Store> store_ =
      std::make_unique<policy::MemoryStore>();
  MapMacros macros_;
  BlockingAnswers answers_;
  std::unique_ptr<Connection> connection_;
};

TEST_F(ConnectionTest, RefusesOneRecipientAndGoesOn) {
  Open(R"(at rcpt {
    no_relay: reject 554 5.7.1 "Relaying denied"
              when rcpt.domain != "b.example"
  })");
  EXPECT_EQ(Connect(), Response::kContinue);
  EXPECT_EQ(Helo("mx.example"), Response::kContinue);
  EXPECT_EQ(Mail(), Response::kContinue);
  EXPECT_EQ(Rcpt("<x@elsewhere.example>"), Response::kReject);
  EXPECT_EQ(ReplyText(), "554 5.7.1 Relaying denied");
  EXPECT_EQ(Rcpt("<b@b.example>"), Response::kContinue);
}

TEST_F(ConnectionTest, GivesAKeptVerdictAtMail) {
  Open(R"(at helo {
    liar: reject 550 5.7.1 "Not your name" when helo == "b.example"
  })");
  Connect();
  EXPECT_EQ(Helo("b.example"), Response::kContinue);
  EXPECT_EQ(Mail(), Response::kReject);
  EXPECT_EQ(ReplyText(), "550 5.7.1 Not your name");
  EXPECT_EQ(Helo("a.example"), Response::kContinue);
  EXPECT_EQ(Mail(), Response::kContinue);
}

TEST_F(ConnectionTest, Gives421AtConnectAtOnce) {
  Open(R"(at connect {
    busy: defer 421 4.7.0 "Too many" when client.ip == 192.0.2.1
  })");
  EXPECT_EQ(Connect("192.0.2.1"), Response::kDefer);
  EXPECT_EQ(ReplyText(), "421 4.7.0 Too many");
}

TEST_F(ConnectionTest, WaitsForAStoreThatAnswersLater) {
  store_ = std::make_unique<LateStore>();
  Open(R"(
    limit few 1/hour per client.ip counting recipients
    at rcpt { too_many: defer 451 4.7.1 "Slowly" when over few }
  )");
  Connect();
  Mail();
  EXPECT_EQ(Rcpt(), Response::kDefer);
  EXPECT_EQ(Rcpt(), Response::kDefer);
}

TEST_F(ConnectionTest, PostsEffects) {
  Open(R"(
    limit few 1/hour per client.ip counting recipients
    at rcpt {
      too_many: defer 451 4.7.1 "Slowly" when over few
      unknown: reject 550 5.1.1 "Unknown" when rcpt.local == "nobody"
    }
  )");
  Connect();
  Mail();
  EXPECT_EQ(Rcpt("<nobody@b.example>"), Response::kReject);
  EXPECT_EQ(Rcpt("<b@b.example>"), Response::kContinue) << "given back";
  EXPECT_EQ(Rcpt("<c@b.example>"), Response::kDefer);
}

TEST_F(ConnectionTest, AnswersItsOwnFailureWithTheFailureVerdict) {
  Open("set failure defer\nat rcpt { all: reject when rcpt }");
  Connect();
  Mail();
  clock_.fails = true;
  EXPECT_EQ(Rcpt(), Response::kDefer);
  EXPECT_EQ(connection_->reply().line_count, 0u);
  EXPECT_EQ(Counted(Counter::kFailures), 1u);
  connection_->Abort();
  connection_->Close();
  clock_.fails = false;
  Mail();
  EXPECT_EQ(Rcpt(), Response::kReject);

  Open("set failure accept\nat rcpt { all: reject when rcpt }");
  clock_.fails = true;
  EXPECT_EQ(Connect(), Response::kContinue);
  EXPECT_EQ(Rcpt(), Response::kContinue);
}

TEST_F(ConnectionTest, RemovesForgedHeadersFromTheLastUp) {
  Open(R"(at message {
    tag: add header "X-Gate" "yes" when header["Precedence"] == "bulk"
  })");
  Connect();
  EXPECT_EQ(Send({{"X-GATE", "no"}, {"Subject", "s"}, {"x-gate", "no"}}),
            Response::kContinue);
  EXPECT_THAT(Changes(), ElementsAre("remove x-gate 2", "remove x-gate 1"));
  Send({{"Precedence", "bulk"}, {"x-gate", "no"}});
  EXPECT_THAT(Changes(), ElementsAre("remove x-gate 1", "add X-Gate yes"));
  Send({{"Subject", "s"}});
  EXPECT_THAT(Changes(), IsEmpty());
}

TEST_F(ConnectionTest, SetReplacesAndRemoveRemoves) {
  Open(R"(at message {
    set header "Precedence" "list" when header["Precedence"] == "bulk"
    remove header "X-Secret" when header["X-Secret"]
  })");
  Connect();
  Send({{"precedence", "bulk"}, {"X-Secret", "a"}, {"X-Secret", "b"}});
  EXPECT_THAT(Changes(),
              ElementsAre("remove Precedence 1", "remove X-Secret 2",
                          "remove X-Secret 1", "add Precedence list"));
}

TEST_F(ConnectionTest, EncodesHeaderValues) {
  Open(R"(at message { note: add header "X-Name" "gr)"
       "\xc3\xbc"
       R"(n {helo}" })");
  Connect();
  Helo("mx\r\nBcc: x");
  Send({});
  ASSERT_EQ(connection_->changes().size(), 1u);
  const std::string& value = connection_->changes()[0].value;
  EXPECT_EQ(value.find('\r'), std::string::npos);
  EXPECT_EQ(value.find("=?UTF-8?B?"), 0u);
}

TEST_F(ConnectionTest, QuarantineIsCarriedOutAtTheEnd) {
  Open(R"(at mail {
    odd: quarantine "odd: {sender.raw}" when sender.domain == "odd.example"
  })");
  Connect();
  EXPECT_EQ(Mail("<\x1bx@odd.example>"), Response::kContinue);
  Rcpt();
  EXPECT_EQ(connection_->quarantine(), "");
  EXPECT_EQ(Message(), Response::kContinue);
  EXPECT_EQ(connection_->quarantine(), "odd: <?x@odd.example>");
  Send({});
  EXPECT_EQ(connection_->quarantine(), "") << "of the message before";
}

TEST_F(ConnectionTest, WantsNoMoreOfTheBodyThanRulesSee) {
  Open(R"(
    set body-limit 1K
    at message { bad: reject when body ~ /casino/ }
  )");
  Connect();
  Mail();
  Rcpt();
  Data();
  Headers();
  EXPECT_EQ(connection_->Body("a casino"), Response::kContinue);
  EXPECT_EQ(connection_->Body(std::string(1024, 'x')), Response::kSkipBody);
  EXPECT_EQ(Message(), Response::kReject);
}

TEST_F(ConnectionTest, MayBeAbortedAndClosedAtAnyTime) {
  const std::string text = R"(
    limit few 3/hour per client.ip counting messages
    at mail { too_many: defer when over few }
    at message { tag: add header "X-Gate" "yes" }
  )";
  Open(text).Close();
  Open(text).Abort();
  for (int step = 0; step < 7; ++step) {
    Open(text);
    if (step > 0) Connect();
    if (step > 1) Mail();
    if (step > 2) Rcpt();
    if (step > 3) Data();
    if (step > 4) connection_->Header("X-Gate", "no");
    if (step > 5) Message();
    connection_->Abort();
    connection_->Abort();
    EXPECT_THAT(Changes(), IsEmpty());
    connection_->Close();
    connection_->Close();
  }
}

}  // namespace
}  // namespace gate::milter
