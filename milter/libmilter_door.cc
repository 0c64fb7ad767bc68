#include "milter/libmilter_door.h"

#include <arpa/inet.h>
#include <libmilter/mfapi.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "milter/blocking_answers.h"
#include "milter/connection.h"
#include "milter/libmilter_threads.h"
#include "milter/negotiation.h"

namespace gate::milter {
namespace {

using policy::Counter;
using rules::Needs;

constexpr absl::Duration kDrainTime = absl::Seconds(5);

// --- Negotiation.

static_assert(kActionAddHeaders == SMFIF_ADDHDRS &&
              kActionChangeHeaders == SMFIF_CHGHDRS &&
              kActionQuarantine == SMFIF_QUARANTINE &&
              kActionSetMacros == SMFIF_SETSYMLIST);
constexpr int MacroIndex(MacroPlace place) { return static_cast<int>(place); }
static_assert(MacroIndex(MacroPlace::kConnect) == SMFIM_CONNECT &&
              MacroIndex(MacroPlace::kHelo) == SMFIM_HELO &&
              MacroIndex(MacroPlace::kMail) == SMFIM_ENVFROM &&
              MacroIndex(MacroPlace::kRcpt) == SMFIM_ENVRCPT &&
              MacroIndex(MacroPlace::kData) == SMFIM_DATA &&
              MacroIndex(MacroPlace::kEndOfHeaders) == SMFIM_EOH &&
              MacroIndex(MacroPlace::kEndOfMessage) == SMFIM_EOM);
static_assert(kStepNoConnect == SMFIP_NOCONNECT &&
              kStepNoHelo == SMFIP_NOHELO && kStepNoMail == SMFIP_NOMAIL &&
              kStepNoRcpt == SMFIP_NORCPT && kStepNoBody == SMFIP_NOBODY &&
              kStepNoHeaders == SMFIP_NOHDRS &&
              kStepNoEndOfHeaders == SMFIP_NOEOH &&
              kStepNoReplyToHeaders == SMFIP_NR_HDR &&
              kStepNoUnknown == SMFIP_NOUNKNOWN &&
              kStepNoData == SMFIP_NODATA && kStepSkip == SMFIP_SKIP &&
              kStepRejectedRecipients == SMFIP_RCPT_REJ);

// A stage without macros keeps the MTA's own list: to Postfix an empty list
// means just that.
void AskForMacros(SMFICTX* ctx, const Needs& needs) {
  for (size_t stage = 0; stage < rules::kStageCount; ++stage) {
    if (needs.macros[stage].empty()) continue;
    std::string names = absl::StrJoin(needs.macros[stage], " ");
    const MacroPlace place = PlaceOf(static_cast<rules::Stage>(stage));
    smfi_setsymlist(ctx, MacroIndex(place), names.data());
  }
}

// --- From libmilter's arguments to ours.

class ContextMacros : public policy::MacroSource {
 public:
  explicit ContextMacros(SMFICTX* ctx) : ctx_(ctx) {}
  std::optional<std::string_view> Macro(std::string_view name) const override {
    std::array<char, 64> terminated = {};
    if (name.size() >= terminated.size()) return std::nullopt;
    name.copy(terminated.data(), name.size());
    const char* value = smfi_getsymval(ctx_, terminated.data());
    if (value == nullptr) return std::nullopt;
    return value;
  }

 private:
  SMFICTX* ctx_;
};

std::string_view View(const char* text) {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

// No address: a unix socket, or the MTA does not know.
void TakeAddress(const sockaddr* address, policy::ConnectEvent& event) {
  if (address == nullptr) return;
  if (address->sa_family == AF_INET) {
    sockaddr_in v4 = {};
    std::memcpy(&v4, address, sizeof v4);
    event.address = rules::IpAddress::FromV4(ntohl(v4.sin_addr.s_addr));
    event.port = ntohs(v4.sin_port);
  } else if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6 = {};
    std::memcpy(&v6, address, sizeof v6);
    std::array<uint8_t, 16> bytes = {};
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    event.address = rules::IpAddress::FromBytes(bytes);
    event.port = ntohs(v6.sin6_port);
  }
}

// What hangs on libmilter's private pointer.
struct Peer {
  Peer(policy::Engine& engine, policy::Store& store,
       policy::Statistics& statistics)
      : connection(engine, store, statistics, answers) {}

  // argv of MAIL and RCPT: the path, then the parameters.
  std::string_view TakeArguments(char** argv) {
    parameters.clear();
    if (argv == nullptr || argv[0] == nullptr) return {};
    for (char** next = argv + 1; *next != nullptr; ++next) {
      parameters.emplace_back(*next);
    }
    return argv[0];
  }

  BlockingAnswers answers;
  Connection connection;
  std::vector<std::string_view> parameters;
  bool may_skip = false;  // SMFIP_SKIP was agreed upon
};

// --- From our answers to libmilter's.

template <size_t... Index>
int SetLines(SMFICTX* ctx, const Reply& reply,
             const std::array<const char*, Reply::kMaxLines>& lines,
             std::index_sequence<Index...>) {
  return smfi_setmlreply(ctx, reply.code.c_str(), reply.enhanced.c_str(),
                         lines[Index]..., static_cast<char*>(nullptr));
}

// Right before the verdict: libmilter would give a stale reply to the next
// verdict of its class.
void SetReply(SMFICTX* ctx, const Reply& reply) {
  if (reply.line_count == 0) return;
  std::array<const char*, Reply::kMaxLines> lines = {};
  std::transform(reply.used().begin(), reply.used().end(), lines.begin(),
                 [](const std::string& line) { return line.c_str(); });
  [[maybe_unused]] const int set =
      SetLines(ctx, reply, lines, std::make_index_sequence<Reply::kMaxLines>());
  assert(set == MI_SUCCESS);
}

// Never SMFIS_ACCEPT: before the end of the message it would let through all
// that is still to come.
sfsistat Answer(SMFICTX* ctx, const Peer& peer, Response response) {
  switch (response) {
    case Response::kContinue:
      return SMFIS_CONTINUE;
    case Response::kReject:
      SetReply(ctx, peer.connection.reply());
      return SMFIS_REJECT;
    case Response::kDefer:
      SetReply(ctx, peer.connection.reply());
      return SMFIS_TEMPFAIL;
    case Response::kDiscard:
      return SMFIS_DISCARD;
    case Response::kSkipBody:
      return peer.may_skip ? SMFIS_SKIP : SMFIS_CONTINUE;
    case Response::kPending:  // our Answers wait
      break;
  }
  return SMFIS_TEMPFAIL;
}

// Changes that the MTA did not offer fail here; that was said in the log.
void ChangeMessage(SMFICTX* ctx, const Connection& connection) {
  for (const HeaderChange& change : connection.changes()) {
    char* name = const_cast<char*>(change.name.c_str());
    if (change.kind == HeaderChange::Kind::kRemove) {
      smfi_chgheader(ctx, name, static_cast<int>(change.instance), nullptr);
    } else {
      smfi_addheader(ctx, name, const_cast<char*>(change.value.c_str()));
    }
  }
  if (!connection.quarantine().empty()) {
    smfi_quarantine(ctx, const_cast<char*>(connection.quarantine().c_str()));
  }
}

}  // namespace

// libmilter's callbacks have no argument of ours but the connection's pointer:
// the door is found here.
class LibmilterCallbacks {
 public:
  static sfsistat Negotiate(SMFICTX* ctx, unsigned long actions,
                            unsigned long steps, unsigned long, unsigned long,
                            unsigned long* wanted_actions,
                            unsigned long* wanted_steps, unsigned long*,
                            unsigned long*) noexcept {
    const Call call;
    // libmilter offers "no reply to headers" for every MTA, and answers in our
    // place where the MTA does not know it.
    const Features offered = {.actions = static_cast<uint32_t>(actions),
                              .steps = static_cast<uint32_t>(steps)};
    // MAIL is enough to give the failure verdict.
    Needs only_mail;
    only_mail.mail = true;
    Features wanted = Choose(only_mail, offered);
    try {
      if (call.allowed()) wanted = Agree(ctx, offered);
    } catch (...) {
      Drop(ctx);
    }
    *wanted_actions = wanted.actions;
    *wanted_steps = wanted.steps;
    return SMFIS_CONTINUE;
  }

  static sfsistat Connect(SMFICTX* ctx, char* host,
                          sockaddr* address) noexcept {
    const Call call;
    if (!call.allowed()) return SMFIS_TEMPFAIL;
    try {
      // After QUIT_NC there is a new connection without a negotiation.
      Peer* peer = PeerOf(ctx);
      if (peer == nullptr) peer = &MakePeer(ctx);
      const ContextMacros macros(ctx);
      policy::ConnectEvent event{.macros = macros,
                                 .host = View(host),
                                 .address = std::nullopt,
                                 .port = 0,
                                 .listener = door_->listener_};
      TakeAddress(address, event);
      return Answer(ctx, *peer, peer->connection.Connect(event));
    } catch (...) {
      return Fail();
    }
  }

  static sfsistat Helo(SMFICTX* ctx, char* name) noexcept {
    return WithPeer(ctx, [&](Peer& peer, const ContextMacros& macros) {
      return peer.connection.Helo({.macros = macros, .name = View(name)});
    });
  }

  static sfsistat Mail(SMFICTX* ctx, char** argv) noexcept {
    return WithPeer(ctx, [&](Peer& peer, const ContextMacros& macros) {
      const std::string_view path = peer.TakeArguments(argv);
      return peer.connection.Mail(
          {.macros = macros, .path = path, .parameters = peer.parameters});
    });
  }

  static sfsistat Rcpt(SMFICTX* ctx, char** argv) noexcept {
    return WithPeer(ctx, [&](Peer& peer, const ContextMacros& macros) {
      const std::string_view path = peer.TakeArguments(argv);
      return peer.connection.Rcpt(
          {.macros = macros, .path = path, .parameters = peer.parameters});
    });
  }

  static sfsistat Data(SMFICTX* ctx) noexcept {
    return WithPeer(ctx, [&](Peer& peer, const ContextMacros& macros) {
      return peer.connection.Data({.macros = macros});
    });
  }

  static sfsistat Header(SMFICTX* ctx, char* name, char* value) noexcept {
    const Call call;
    Peer* peer = call.allowed() ? PeerOf(ctx) : nullptr;
    if (peer != nullptr) peer->connection.Header(View(name), View(value));
    return SMFIS_NOREPLY;
  }

  static sfsistat Headers(SMFICTX* ctx) noexcept {
    return WithPeer(ctx, [&](Peer& peer, const ContextMacros& macros) {
      return peer.connection.Headers({.macros = macros});
    });
  }

  static sfsistat Body(SMFICTX* ctx, unsigned char* chunk,
                       size_t size) noexcept {
    return WithPeer(ctx, [&](Peer& peer, const ContextMacros&) {
      return peer.connection.Body({reinterpret_cast<char*>(chunk), size});
    });
  }

  static sfsistat Message(SMFICTX* ctx) noexcept {
    return WithPeer(ctx, [&](Peer& peer, const ContextMacros& macros) {
      const Response response = peer.connection.Message({.macros = macros});
      if (response == Response::kContinue) ChangeMessage(ctx, peer.connection);
      return response;
    });
  }

  static sfsistat Abort(SMFICTX* ctx) noexcept {
    const Call call;
    Peer* peer = call.allowed() ? PeerOf(ctx) : nullptr;
    if (peer != nullptr) peer->connection.Abort();
    return SMFIS_CONTINUE;
  }

  // May be the first callback, and the only one.
  static sfsistat Close(SMFICTX* ctx) noexcept {
    Closed(ctx);
    return SMFIS_CONTINUE;
  }

  // False: the door is gone.
  static bool Closed(SMFICTX* ctx) noexcept {
    const Call call;
    if (call.allowed()) Drop(ctx);
    return call.allowed();
  }

  // From now on no callback begins to use the door; true once none does.
  static bool Drain(absl::Duration patience) {
    stopped_ = true;
    const absl::Time deadline = absl::Now() + patience;
    while (calls_ > 0 && absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(10));
    }
    return calls_ == 0;
  }

  static LibmilterDoor* door_;

 private:
  // A callback under way. libmilter's workers outlive smfi_main, and may call
  // when the door is gone: then nothing of ours is touched.
  class Call {
   public:
    Call() {
      ++calls_;
      allowed_ = !stopped_;
    }
    ~Call() { --calls_; }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    bool allowed() const { return allowed_; }

   private:
    bool allowed_ = false;
  };

  static Peer* PeerOf(SMFICTX* ctx) {
    return static_cast<Peer*>(smfi_getpriv(ctx));
  }

  static Peer& MakePeer(SMFICTX* ctx) {
    auto peer = std::make_unique<Peer>(door_->engine_, door_->store_,
                                       door_->statistics_);
    smfi_setpriv(ctx, peer.get());
    return *peer.release();
  }

  static void Drop(SMFICTX* ctx) noexcept {
    const std::unique_ptr<Peer> peer(PeerOf(ctx));
    if (peer != nullptr) peer->connection.Close();
    smfi_setpriv(ctx, nullptr);
  }

  static Features Agree(SMFICTX* ctx, const Features& offered) {
    Drop(ctx);  // of an MTA that negotiates twice
    Peer& peer = MakePeer(ctx);
    const Needs& needs = peer.connection.policy().needs();
    const Features wanted = Choose(needs, offered);
    peer.may_skip = (wanted.steps & kStepSkip) != 0;
    if ((wanted.actions & kActionSetMacros) != 0) AskForMacros(ctx, needs);
    door_->lost_features_.Report(Missing(needs, offered));
    return wanted;
  }

  static sfsistat Fail() noexcept {
    door_->statistics_.Count(Counter::kFailures);
    const auto policy = door_->engine_.policy();
    const bool accept = policy->settings().failure == rules::Action::kAccept;
    return accept ? SMFIS_CONTINUE : SMFIS_TEMPFAIL;
  }

  template <class Function>
  static sfsistat WithPeer(SMFICTX* ctx, const Function& function) noexcept {
    const Call call;
    if (!call.allowed()) return SMFIS_TEMPFAIL;
    try {
      Peer* peer = PeerOf(ctx);
      if (peer == nullptr) return Fail();
      return Answer(ctx, *peer, function(*peer, ContextMacros(ctx)));
    } catch (...) {
      return Fail();
    }
  }

  // Call raises the one, then reads the other; Drain sets the other, then
  // reads the one: no callback slips through between.
  static std::atomic<int> calls_;
  static std::atomic<bool> stopped_;
};

LibmilterDoor* LibmilterCallbacks::door_ = nullptr;
std::atomic<int> LibmilterCallbacks::calls_ = 0;
std::atomic<bool> LibmilterCallbacks::stopped_ = false;

LibmilterDoor::LibmilterDoor(policy::Engine& engine, policy::Store& store,
                             policy::Statistics& statistics, Log& log)
    : engine_(engine),
      store_(store),
      statistics_(statistics),
      lost_features_(log) {
  assert(LibmilterCallbacks::door_ == nullptr);
  LibmilterCallbacks::door_ = this;
}

absl::Status LibmilterDoor::Attach(int listening_fd, std::string name) {
  using Callbacks = LibmilterCallbacks;
  listener_ = std::move(name);
  UseThreadPerConnection(Callbacks::Closed);
  static char filter[] = "gatemilter";
  const smfiDesc description = {
      .xxfi_name = filter,
      .xxfi_version = SMFI_VERSION,
      .xxfi_flags =
          SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE | SMFIF_SETSYMLIST,
      .xxfi_connect = Callbacks::Connect,
      .xxfi_helo = Callbacks::Helo,
      .xxfi_envfrom = Callbacks::Mail,
      .xxfi_envrcpt = Callbacks::Rcpt,
      .xxfi_header = Callbacks::Header,
      .xxfi_eoh = Callbacks::Headers,
      .xxfi_body = Callbacks::Body,
      .xxfi_eom = Callbacks::Message,
      .xxfi_abort = Callbacks::Abort,
      .xxfi_close = Callbacks::Close,
      .xxfi_unknown = nullptr,
      .xxfi_data = Callbacks::Data,
      .xxfi_negotiate = Callbacks::Negotiate,
  };
  if (smfi_register(description) != MI_SUCCESS) {
    return absl::InternalError("libmilter: smfi_register failed");
  }
  const int duplicate = dup(listening_fd);
  if (duplicate < 0) {
    return absl::InternalError(
        absl::StrCat("milter socket: dup: ", std::strerror(errno)));
  }
  std::string address = absl::StrCat("fd:", duplicate);
  if (smfi_setconn(address.data()) != MI_SUCCESS) {
    return absl::InternalError(absl::StrCat("libmilter does not take ", address,
                                            ": Debian's libmilter does"));
  }
  return absl::OkStatus();
}

absl::Status LibmilterDoor::Run() {
  const int ended = smfi_main();
  if (!LibmilterCallbacks::Drain(kDrainTime)) {
    return absl::DeadlineExceededError(
        "libmilter: callbacks are still under way after 5 s");
  }
  if (ended != MI_SUCCESS) {
    return absl::InternalError("libmilter: smfi_main failed; see the log");
  }
  return absl::OkStatus();
}

void LibmilterDoor::Stop() { smfi_stop(); }

absl::StatusOr<std::unique_ptr<Door>> MakeLibmilterDoor(
    const DoorContext& context, const DoorSocket& socket) {
  auto door = std::make_unique<LibmilterDoor>(context.engine,
                                              context.stores.ForThreads(),
                                              context.statistics, context.log);
  absl::Status attached = door->Attach(socket.fd, socket.name);
  if (!attached.ok()) return attached;
  return door;
}

}  // namespace gate::milter
