// One connection of the load to the filter: one session, from the negotiation
// to QUIT. The load's loop tells it when there is something to read.
#pragma once

#include <sys/un.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tests/bench/session_script.h"

namespace gate::bench {

// Hears what a connection was answered.
class LoadListener {
 public:
  virtual ~LoadListener() = default;
  // `answer`: whole packets, the last one is the verdict. False ends the
  // session.
  virtual bool Answered(char command, uint32_t event, const MixKind& kind,
                        std::string_view answer, int64_t nanoseconds) = 0;
  virtual void Broken(const std::string& what) = 0;
};

// Confined to the load's loop.
class LoadConnection {
 public:
  enum class State : uint8_t {
    kFree,
    kWaiting,  // for an answer
    kPlayed,   // nothing is left but what ends the session
  };

  LoadConnection() = default;
  LoadConnection(const LoadConnection&) = delete;
  LoadConnection& operator=(const LoadConnection&) = delete;
  ~LoadConnection() { Close(); }

  // Connects and negotiates, to play the script. Requires: free. False: the
  // listener was told why not.
  bool Open(const sockaddr_un& address, const SessionScript& script,
            LoadListener& listener);
  // Reads what is there and goes on. `buffer` is the loop's.
  State Go(std::span<char> buffer);
  // Ends the session as an MTA does.
  void Quit();
  // Leaves the connection open and forgets it.
  int Release();

  int fd() const { return fd_; }
  // Of the session under way, or the last one.
  const SessionScript& script() const { return *script_; }

 private:
  void Close();
  State Break(const std::string& what);
  // Takes the answers at the beginning of `bytes`; what is left stays in
  // unread_.
  State Take(std::string_view bytes);
  State Answered(std::string_view answer);
  bool Send(std::string_view bytes);

  int fd_ = -1;
  const SessionScript* script_ = nullptr;
  LoadListener* listener_ = nullptr;
  bool negotiated_ = false;
  size_t turn_ = 0;  // whose answer is awaited
  size_t sent_ = 0;  // of the script's bytes
  int64_t asked_ns_ = 0;
  std::string unread_;  // the beginning of an answer
};

// Steady nanoseconds.
int64_t NowNs();

}  // namespace gate::bench
