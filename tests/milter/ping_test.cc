// A ping of sockets where a milter, something else or nobody is. With a real
// gatemilter: daemon_test.cc.
#include "milter/ping.h"

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "milter/control_stream.h"
#include "milter/listener.h"
#include "milter/protocol.h"
#include "tests/mta/temp_dir.h"

namespace gate::milter {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

class PingTest : public testing::Test {
 protected:
  ~PingTest() override {
    if (thread_.joinable()) thread_.join();
  }

  void Listen() {
    auto listener =
        Listener::Bind({.address = address_, .mode = {}, .group = ""});
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_.emplace(*std::move(listener));
  }
  // To the first that connects; then waits for what it says or its end. With
  // nothing to say it hangs up.
  void Answer(const std::string& bytes) {
    Listen();
    thread_ = std::thread([this, bytes] {
      const UniqueFd peer(accept(listener_->fd(), nullptr, nullptr));
      const Deadline deadline = std::chrono::steady_clock::now() + seconds(10);
      offer_ = ReceiveMessage(peer.get(), kMaxPacketData, deadline)
                   .value_or("nothing");
      if (bytes.empty()) return;
      EXPECT_EQ(send(peer.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
                static_cast<ssize_t>(bytes.size()));
      farewell_ = ReceiveMessage(peer.get(), kMaxPacketData, deadline)
                      .value_or("nothing");
    });
  }
  std::string Ping(seconds patience = seconds(10)) {
    const absl::Status status = PingMilter(address_, patience);
    if (thread_.joinable()) thread_.join();
    return std::string(status.message());
  }

  mta::TempDir folder_;
  const std::string address_ = "unix:" + folder_.path() + "/milter.sock";
  std::optional<Listener> listener_;
  std::thread thread_;
  std::string offer_;
  std::string farewell_;
};

TEST_F(PingTest, NegotiatesAsAnMtaAndSaysGoodBye) {
  std::string answer;
  AppendNegotiation(6, {.actions = 1, .steps = 2}, {}, answer);
  Answer(answer);
  EXPECT_EQ(Ping(), "");
  EXPECT_EQ(farewell_, "Q");
  ASSERT_FALSE(offer_.empty());
  EXPECT_EQ(offer_[0], 'O');
  const auto offer = DecodeOffer(std::string_view(offer_).substr(1));
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->version, 6);
  EXPECT_EQ(offer->features.actions, 0x1ffU);
  EXPECT_EQ(offer->features.steps, 0x1fffffU);
}

TEST_F(PingTest, TellsWhereNobodyListens) {
  EXPECT_EQ(Ping(), "milter " + address_ + ": No such file or directory");
}

TEST_F(PingTest, TellsOfSilence) {
  Listen();  // the kernel takes the connection, nobody reads
  EXPECT_EQ(Ping(seconds(1)), "milter " + address_ + ": no answer within 1 s");
}

TEST_F(PingTest, KnowsWhatIsNoMilter) {
  for (const std::string& bytes :
       {std::string("HTTP/1.1 400 Bad Request\r\n\r\n"),
        std::string("\0\0\0\1c", 5), std::string("\0\0\0\0", 4),
        std::string("\0\0\0\3Oxy", 7)}) {
    Answer(bytes);
    EXPECT_EQ(Ping(), "milter " + address_ + ": what answers is no milter");
    listener_.reset();
  }
}

TEST_F(PingTest, TellsThatItWasHungUpOn) {
  Answer("");
  EXPECT_THAT(Ping(), HasSubstr("closed the connection"));
}

TEST_F(PingTest, TakesAddressesOfSocketsOnly) {
  EXPECT_FALSE(PingMilter("/run/milter.sock", seconds(1)).ok());
  EXPECT_FALSE(PingMilter("inet:8891@mx.example.org", seconds(1)).ok());
}

}  // namespace
}  // namespace gate::milter
