#include "tests/mta/session_players.h"

#include <deque>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>
#include <utility>

#include "tests/mta/child_process.h"
#include "tests/mta/gatemilter_process.h"
#include "tests/mta/temp_dir.h"

namespace gate::mta {
namespace {

Played Failed(std::string fault) {
  return {.fault = std::move(fault), .transcripts = {}};
}

using Decisions = std::deque<RecordedDoor::Decision>;

// A policy and all sessions in one file: they share what is counted.
class Files {
 public:
  Files(const std::vector<GeneratedSession>& sessions,
        std::string (*write)(const GeneratedSession&)) {
    std::string text;
    for (const GeneratedSession& session : sessions) text += write(session);
    ok_ = WriteFile(policy(), std::string(SessionsPolicy())) &&
          WriteFile(session(), text);
  }
  bool ok() const { return ok_; }
  std::string policy() const { return dir_.path() + "/policy.rules"; }
  std::string session() const { return dir_.path() + "/session"; }

 private:
  TempDir dir_;
  bool ok_ = false;
};

// Takes notes of decisions, in the words of SMTP: an end of the headers or a
// part of the content is heard of only when it ends the message.
class Recorder {
 public:
  void Add(const std::string& event, const std::string& answer) {
    if (event == "connect") sessions_.emplace_back();
    if (sessions_.empty()) return;
    const bool part =
        event == "headers" || event == "header" || event == "body";
    if (part && answer == "accept") return;
    const bool content = part || event == "eom" || event == "message";
    sessions_.back().push_back({content ? "message" : event, answer});
  }
  void Quarantine() { sessions_.back().back().answer = "quarantine"; }

  Played Play(const std::vector<GeneratedSession>& sessions) && {
    if (sessions.size() != sessions_.size()) {
      return Failed(std::to_string(sessions_.size()) + " sessions played");
    }
    Played played;
    for (size_t i = 0; i < sessions.size(); ++i) {
      RecordedDoor door(std::move(sessions_[i]));
      played.transcripts.push_back(PlaySession(sessions[i], door));
    }
    return played;
  }

 private:
  std::vector<Decisions> sessions_;
};

// A verdict of `ask --json`. What is kept is answered later.
std::string AnswerOf(const nlohmann::json& event) {
  const std::string verdict = event["verdict"];
  if (event["kept"]) return "accept";
  if (event["code"] == 0) return verdict;
  return std::to_string(event["code"].get<int>()) + " " +
         event["enhanced"].get<std::string>() + " " +
         event["text"].get<std::string>();
}

// A verdict of play.lua: a packet's text has its `%` doubled.
std::string AnswerOf(std::string verdict) {
  constexpr std::string_view kReply = "replycode ";
  if (verdict == "continue" || verdict == "skip") return "accept";
  if (!verdict.starts_with(kReply)) return verdict;
  verdict.erase(0, kReply.size());
  for (size_t at = verdict.find("%%"); at != std::string::npos;
       at = verdict.find("%%", at + 1)) {
    verdict.erase(at, 1);
  }
  return verdict;
}

void Replace(const std::string& from, const std::string& to,
             Transcript& transcript) {
  for (std::string& line : transcript) {
    const size_t found = line.find(from);
    if (found != std::string::npos) line.replace(found, from.size(), to);
  }
}

// What became of the messages that an MTA took.
class Fates {
 public:
  explicit Fates(const PrivateMta& mta) {
    for (const Delivery& delivery : mta.Deliveries()) {
      delivered_ += delivery.content;
    }
    for (const std::string& message : mta.Quarantine()) held_ += message;
  }
  void Tell(Transcript& transcript) const {
    constexpr std::string_view kTaken = "message taken ";
    for (std::string& line : transcript) {
      if (!line.starts_with(kTaken)) continue;
      const std::string id = line.substr(kTaken.size());
      line = "message discard";
      if (held_.find(id) != std::string::npos) line = "message quarantine";
      if (delivered_.find(id) != std::string::npos) line = "message accept";
    }
  }

 private:
  std::string delivered_;
  std::string held_;
};

}  // namespace

Played PlayByAsk(const std::vector<GeneratedSession>& sessions) {
  const Files files(sessions, ForAsk);
  if (!files.ok()) return Failed("no files");
  const Outcome ask =
      Gatemilter({"ask", "--json", "-c", files.policy(), files.session()});
  const auto json = nlohmann::json::parse(ask.out, nullptr, false);
  if (ask.status != 0 || json.is_discarded()) return Failed(ask.err);
  Recorder recorder;
  for (const nlohmann::json& event : json["events"]) {
    if (event["verdict"].is_null()) continue;
    recorder.Add(event["stage"], AnswerOf(event));
  }
  return std::move(recorder).Play(sessions);
}

Played PlayByMiltertest(const std::vector<GeneratedSession>& sessions) {
  constexpr char kFolder[] = GATE_SOURCE_DIR "/tests/miltertest/";
  const Files files(sessions, ForPlayLua);
  if (!files.ok()) return Failed("no files");
  const Outcome play =
      Run({.argv = {std::string(kFolder) + "run", GATE_BINARY, GATE_REPLY_TAP,
                    std::string(kFolder) + "play.lua", files.policy(),
                    files.session()}});
  if (play.status != 0) return Failed(play.err);
  Recorder recorder;
  std::istringstream lines(play.out);
  std::string number;
  std::string event;
  std::string verdict;
  while (lines >> number >> event && std::getline(lines >> std::ws, verdict)) {
    if (event == "edits") {
      if (verdict.starts_with("quarantine")) recorder.Quarantine();
    } else if (verdict != "skipped" && event != "rset") {
      recorder.Add(event, AnswerOf(verdict));
    }
  }
  return std::move(recorder).Play(sessions);
}

Played PlayByMta(Mta kind, const std::vector<GeneratedSession>& sessions) {
  const auto mta = StartMta(kind, {.open = true});
  if (!mta->fault().empty()) return Failed(mta->fault());
  const GatemilterProcess gate(
      {.dir = mta->dir(),
       .milter_socket = mta->milter_socket(),
       .group = PrivateMta::owner(),
       .policy = mta->Here(std::string(SessionsPolicy()))});
  if (!gate.fault().empty()) return Failed(gate.fault());
  Played played;
  SmtpDoor door(*mta);
  for (const GeneratedSession& session : sessions) {
    Transcript transcript = PlaySession(session, door);
    Replace(mta->Here(session.address), session.address, transcript);
    played.transcripts.push_back(std::move(transcript));
  }
  if (!mta->Drain()) return Failed("mail is not delivered");
  const Fates fates(*mta);
  for (Transcript& transcript : played.transcripts) fates.Tell(transcript);
  return played;
}

}  // namespace gate::mta
