// What gatemilter decides does not depend on who asks.

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/environment.h"
#include "tests/mta/session_players.h"

namespace gate::mta {
namespace {

constexpr size_t kSessions = 200;

std::string Join(const Transcript& transcript) {
  std::string text;
  for (const std::string& line : transcript) text += "  " + line + "\n";
  return text;
}

struct Player {
  std::string name;
  Played played;
};

class Sessions : public testing::Test {
 protected:
  void SetUp() override {
    seed_ = FromEnvironment("GATE_SEED", std::random_device()());
    std::cout << "GATE_SEED=" << seed_ << '\n';
    sessions_ = GenerateSessions(seed_, kSessions);
  }
  void Add(const std::string& name, Played played) {
    ASSERT_EQ(played.fault, "") << name;
    ASSERT_EQ(played.transcripts.size(), sessions_.size()) << name;
    players_.push_back({name, std::move(played)});
  }

  bool AllAgree(size_t session) const {
    return std::ranges::all_of(players_, [&](const Player& player) {
      return player.played.transcripts[session] ==
             players_[0].played.transcripts[session];
    });
  }
  std::string Describe(size_t session) const {
    std::string text = "GATE_SEED=" + std::to_string(seed_) + ", session " +
                       std::to_string(session) + ":\n" +
                       ForAsk(sessions_[session]);
    for (const Player& player : players_) {
      text += player.name + ":\n" + Join(player.played.transcripts[session]);
    }
    return text;
  }
  // How many lines begin so ("rcpt 554"), in all sessions of the first player.
  std::map<std::string, int> Kinds() const {
    std::map<std::string, int> kinds;
    for (const Transcript& transcript : players_[0].played.transcripts) {
      for (const std::string& line : transcript) {
        ++kinds[line.substr(0, line.find(' ', line.find(' ') + 1))];
      }
    }
    return kinds;
  }

  std::vector<GeneratedSession> sessions_;
  std::vector<Player> players_;
  uint64_t seed_ = 0;
};

TEST_F(Sessions, GetTheSameVerdictsFromAllWhoAsk) {
  ASSERT_NO_FATAL_FAILURE(Add("ask", PlayByAsk(sessions_)));
  ASSERT_NO_FATAL_FAILURE(Add("miltertest", PlayByMiltertest(sessions_)));
  ASSERT_NO_FATAL_FAILURE(Add("Postfix", PlayByMta(Mta::kPostfix, sessions_)));
  ASSERT_NO_FATAL_FAILURE(
      Add("Sendmail", PlayByMta(Mta::kSendmail, sessions_)));
  for (size_t i = 0; i < sessions_.size(); ++i) {
    EXPECT_TRUE(AllAgree(i)) << Describe(i);
  }
  // Sessions that are all accepted would prove little.
  EXPECT_GE(Kinds().size(), 20U);
}

}  // namespace
}  // namespace gate::mta
