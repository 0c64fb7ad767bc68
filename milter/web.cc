#include "milter/web.h"

#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <new>
#include <optional>
#include <thread>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "milter/control_stream.h"
#include "milter/descriptors.h"
#include "milter/web_search.h"
#include "policy/thread_name.h"

namespace gate::milter {
namespace {

using Clock = std::chrono::steady_clock;

// Of a request's line and headers, and of what the library keeps for it.
constexpr size_t kMemoryPerConnection = size_t{16} << 10;
constexpr std::chrono::seconds kSweep{1};

constexpr const char* kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";

struct ResponseDeleter {
  void operator()(MHD_Response* response) const {
    MHD_destroy_response(response);
  }
};
using Response = std::unique_ptr<MHD_Response, ResponseDeleter>;

Response MakeResponse(const WebAnswer& answer) {
  const bool stays = !answer.file.empty();
  const std::string_view body = stays ? answer.file : answer.text;
  Response response(MHD_create_response_from_buffer(
      body.size(), const_cast<char*>(body.data()),
      stays ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_COPY));
  if (response == nullptr) return nullptr;
  const auto add = [&response](const char* name, const char* value) {
    MHD_add_response_header(response.get(), name, value);
  };
  add("Content-Type", answer.type.c_str());
  add("Content-Security-Policy", kContentSecurityPolicy);
  add("Cross-Origin-Resource-Policy", "same-origin");
  add("Referrer-Policy", "no-referrer");
  add("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : answer.headers) {
    add(name.c_str(), value.c_str());
  }
  return response;
}

std::string_view View(const char* text) {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

std::string_view Header(MHD_Connection* connection, const char* name) {
  return View(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name));
}

// A decoded argument may hold a NUL.
std::optional<std::string_view> Argument(MHD_Connection* connection,
                                         std::string_view name) {
  const char* value = nullptr;
  size_t size = 0;
  if (MHD_lookup_connection_value_n(connection, MHD_GET_ARGUMENT_KIND,
                                    name.data(), name.size(), &value,
                                    &size) != MHD_YES) {
    return std::nullopt;
  }
  return value == nullptr ? std::string_view() : std::string_view(value, size);
}

bool HasBody(MHD_Connection* connection) {
  const std::string_view length = Header(connection, "Content-Length");
  return !Header(connection, "Transfer-Encoding").empty() ||
         (!length.empty() && length != "0");
}

rules::IpAddress AddressOf(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in inet = {};
    std::memcpy(&inet, address, sizeof inet);
    return rules::IpAddress::FromV4(ntohl(inet.sin_addr.s_addr));
  }
  sockaddr_in6 inet6 = {};
  if (address->sa_family == AF_INET6) {
    std::memcpy(&inet6, address, sizeof inet6);
  }
  std::array<uint8_t, 16> bytes = {};
  std::memcpy(bytes.data(), &inet6.sin6_addr, bytes.size());
  return rules::IpAddress::FromBytes(bytes);
}

// The address that the socket listens on, as a Host header would say it.
std::string OwnAddress(int listener) {
  sockaddr_storage storage = {};
  socklen_t size = sizeof storage;
  if (getsockname(listener, reinterpret_cast<sockaddr*>(&storage), &size) !=
      0) {
    return {};
  }
  return AddressOf(reinterpret_cast<const sockaddr*>(&storage)).ToString();
}

// A search whose answer finds no memory is no reason to end.
std::string AnswerSearch(WebSource& source, const std::string& query,
                         const std::atomic<bool>& stop) {
  try {
    return source.WhyJson(query, stop);
  } catch (const std::bad_alloc&) {
    return R"({"records":[],"more":false,"error":"out of memory"})";
  }
}

// One TCP connection.
struct Visitor {
  int fd = -1;
  uint64_t id = 0;
  rules::IpAddress address;
  // Opened, or its last request or search was answered.
  Clock::time_point since;
  bool searching = false;
  std::optional<std::string> found;  // the answer to its search
};

}  // namespace

// All but the search runs on `thread`, and so do all calls of the library.
struct WebServer::Impl {
  Impl(Listener own, WebSource& source, const WebOptions& limits)
      : listener(std::move(own)),
        options(limits),
        routes(source, limits.password, OwnAddress(listener.fd())),
        search(
            [&source](const std::string& query, const std::atomic<bool>& end) {
              return AnswerSearch(source, query, end);
            },
            [this] { Wake(); }, limits.max_searches) {}

  absl::Status Start();
  void Run();
  void Stop();
  void Wake();
  void Sweep(Clock::time_point now);
  void TakeFound();

  MHD_Result Accept(const sockaddr* address);
  void Opened(MHD_Connection* connection);
  void Closed(MHD_Connection* connection);
  MHD_Result Handle(MHD_Connection* connection, const WebRequest& request);
  MHD_Result Send(MHD_Connection* connection, const WebAnswer& answer);
  bool BeginSearch(MHD_Connection* connection, const std::string& query);
  void Completed(MHD_Connection* connection);

  static MHD_Result OnRequest(void* self, MHD_Connection* connection,
                              const char* url, const char* method,
                              const char* version, const char* body,
                              size_t* body_size, void** begun) noexcept;
  static void OnConnection(void* self, MHD_Connection* connection,
                           void** context,
                           MHD_ConnectionNotificationCode code) noexcept;

  Listener listener;
  const WebOptions options;
  WebRoutes routes;
  UniqueFd wake{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  WebSearch search;
  MHD_Daemon* daemon = nullptr;
  absl::flat_hash_map<MHD_Connection*, Visitor> visitors;
  std::map<rules::IpAddress, size_t> held;  // connections by address
  uint64_t last_id = 0;
  std::atomic<bool> stop = false;
  std::thread thread;
};

absl::Status WebServer::Impl::Start() {
  const int fd = listener.fd();
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  const auto accept = [](void* self, const sockaddr* address,
                         socklen_t) noexcept {
    return static_cast<Impl*>(self)->Accept(address);
  };
  const auto completed = [](void* self, MHD_Connection* connection, void**,
                            MHD_RequestTerminationCode) noexcept {
    static_cast<Impl*>(self)->Completed(connection);
  };
  daemon = MHD_start_daemon(
      MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0,
      static_cast<MHD_AcceptPolicyCallback>(accept), this, &OnRequest, this,
      MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
      WebConnections(DescriptorLimit(), options.max_connections),
      MHD_OPTION_CONNECTION_TIMEOUT,
      static_cast<unsigned>(options.idle.count()),
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, kMemoryPerConnection,
      MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_CONNECTION,
      &OnConnection, this, MHD_OPTION_NOTIFY_COMPLETED,
      static_cast<MHD_RequestCompletedCallback>(completed), this,
      MHD_OPTION_END);
  if (daemon == nullptr) {
    return absl::InternalError(absl::StrCat(
        listener.address(),
        ": the HTTP server does not start: ", std::strerror(errno)));
  }
  listener.Release();  // the daemon's, which closes it
  thread = std::thread([this] { Run(); });
  return absl::OkStatus();
}

void WebServer::Impl::Run() {
  policy::NameThread("web");
  const int epoll =
      MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
  Clock::time_point swept = Clock::now();
  while (!stop) {
    MHD_UNSIGNED_LONG_LONG wait = 1000;
    if (MHD_get_timeout(daemon, &wait) != MHD_YES) wait = 1000;
    std::array<pollfd, 2> ready = {
        pollfd{.fd = epoll, .events = POLLIN, .revents = 0},
        pollfd{.fd = wake.get(), .events = POLLIN, .revents = 0}};
    poll(ready.data(), ready.size(),
         static_cast<int>(std::min<MHD_UNSIGNED_LONG_LONG>(wait, 1000)));
    TakeFound();
    const Clock::time_point now = Clock::now();
    if (now - swept >= kSweep) {
      Sweep(now);
      swept = now;
    }
    MHD_run(daemon);
  }
  Stop();
}

// The library wants no connection suspended when it stops. MHD_run may read
// further requests: BeginSearch suspends none any more.
void WebServer::Impl::Stop() {
  for (auto& [connection, visitor] : visitors) {
    if (visitor.searching && !visitor.found) {
      visitor.found.emplace();
      MHD_resume_connection(connection);
    }
  }
  MHD_run(daemon);
  MHD_stop_daemon(daemon);
}

void WebServer::Impl::Wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake.get(), &one, sizeof(one));
}

// The library's own time-out begins anew with each byte.
void WebServer::Impl::Sweep(Clock::time_point now) {
  for (const auto& [connection, visitor] : visitors) {
    if (!visitor.searching && now - visitor.since > options.request) {
      shutdown(visitor.fd, SHUT_RDWR);
    }
  }
}

void WebServer::Impl::TakeFound() {
  uint64_t times = 0;
  [[maybe_unused]] const ssize_t got = read(wake.get(), &times, sizeof(times));
  for (WebSearch::Item& item : search.Take()) {
    for (auto& [connection, visitor] : visitors) {
      if (visitor.id != item.id) continue;
      visitor.found = std::move(item.text);
      MHD_resume_connection(connection);
      break;
    }
  }
}

MHD_Result WebServer::Impl::Accept(const sockaddr* address) {
  const rules::IpAddress client = AddressOf(address);
  const size_t most = IsLoopback(client) ? options.max_per_loopback_address
                                         : options.max_per_address;
  const auto found = held.find(client);
  return found == held.end() || found->second < most ? MHD_YES : MHD_NO;
}

void WebServer::Impl::Opened(MHD_Connection* connection) {
  const rules::IpAddress address = AddressOf(
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)
          ->client_addr);
  const int fd =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
          ->connect_fd;
  ++held[address];
  visitors[connection] = {.fd = fd,
                          .id = ++last_id,
                          .address = address,
                          .since = Clock::now(),
                          .searching = false,
                          .found = {}};
}

void WebServer::Impl::Closed(MHD_Connection* connection) {
  const auto visitor = visitors.find(connection);
  const auto count = held.find(visitor->second.address);
  if (--count->second == 0) held.erase(count);
  visitors.erase(visitor);
}

void WebServer::Impl::Completed(MHD_Connection* connection) {
  const auto found = visitors.find(connection);
  if (found == visitors.end()) return;
  Visitor& visitor = found->second;
  visitor.since = Clock::now();
  visitor.searching = false;
  visitor.found.reset();
}

MHD_Result WebServer::Impl::Handle(MHD_Connection* connection,
                                   const WebRequest& request) {
  Visitor& visitor = visitors.at(connection);
  if (visitor.searching) {
    visitor.searching = false;
    visitor.since = Clock::now();  // the answer, too, has its time
    return Send(connection, JsonAnswer(*std::move(visitor.found)));
  }
  WebRequest full = request;
  full.client = visitor.address;
  const WebAnswer answer = routes.Answer(full, Clock::now());
  if (!answer.search) return Send(connection, answer);
  if (BeginSearch(connection, *answer.search)) return MHD_YES;
  WebAnswer busy = ErrorAnswer(503, "other searches are under way; try again");
  busy.headers.emplace_back("Retry-After", "2");
  return Send(connection, busy);
}

bool WebServer::Impl::BeginSearch(MHD_Connection* connection,
                                  const std::string& query) {
  Visitor& visitor = visitors.at(connection);
  if (stop || !search.Submit(visitor.id, query)) return false;
  visitor.searching = true;
  MHD_suspend_connection(connection);
  return true;
}

MHD_Result WebServer::Impl::Send(MHD_Connection* connection,
                                 const WebAnswer& answer) {
  const Response response = MakeResponse(answer);
  if (response == nullptr) return MHD_NO;
  return MHD_queue_response(connection, answer.status, response.get());
}

// Called with the headers, and again when the request is complete: only then
// the connection may serve the next one. What has a body is refused at once.
MHD_Result WebServer::Impl::OnRequest(void* self, MHD_Connection* connection,
                                      const char* url, const char* method,
                                      const char* /*version*/,
                                      const char* /*body*/,
                                      size_t* /*body_size*/,
                                      void** begun) noexcept {
  const bool has_body = HasBody(connection);
  if (*begun == nullptr && !has_body) {
    *begun = self;
    return MHD_YES;
  }
  const char* host =
      MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");
  const WebRequest request = {
      .method = method,
      .path = url,
      .host = host == nullptr ? std::nullopt
                              : std::optional<std::string_view>(host),
      .authorization = Header(connection, "Authorization"),
      .if_none_match = Header(connection, "If-None-Match"),
      .fetch_site = Header(connection, "Sec-Fetch-Site"),
      .after = Argument(connection, "after"),
      .query = Argument(connection, "q").value_or(""),
      .has_body = has_body};
  try {
    return static_cast<Impl*>(self)->Handle(connection, request);
  } catch (const std::bad_alloc&) {
    return MHD_NO;  // of some MB for who looks on: mail goes on
  }
}

void WebServer::Impl::OnConnection(
    void* self, MHD_Connection* connection, void** /*context*/,
    MHD_ConnectionNotificationCode code) noexcept {
  Impl& server = *static_cast<Impl*>(self);
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    server.Opened(connection);
  } else {
    server.Closed(connection);
  }
}

WebServer::WebServer(Listener listener, WebSource& source,
                     const WebOptions& options)
    : impl_(std::make_unique<Impl>(std::move(listener), source, options)) {}

WebServer::~WebServer() {
  if (!impl_->thread.joinable()) return;
  impl_->stop = true;
  impl_->Wake();
  impl_->thread.join();
}

absl::Status WebServer::Start() { return impl_->Start(); }

}  // namespace gate::milter
