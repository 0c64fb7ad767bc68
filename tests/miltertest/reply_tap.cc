// Stands between miltertest and a milter and writes down what the milter
// sends: miltertest keeps a reply's code and text to itself, and the index of
// an edit. Everything is passed on as it comes, whole packets at a time.
//
//   reply_tap LISTEN MILTER FILE COMMAND...
//
// LISTEN and MILTER are paths of unix sockets. Runs COMMAND, serves its
// connections, each with one of its own to MILTER, and ends as it ends. Before
// a packet is passed to COMMAND its line stands in FILE: the command byte, a
// blank, and the data in hexadecimal digits.
#include <arpa/inet.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>

namespace {

constexpr size_t kLengthSize = sizeof(uint32_t);

sockaddr_un Address(const char* path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  return address;
}

int Listen(const char* path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un address = Address(path);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
          0 ||
      listen(fd, SOMAXCONN) != 0) {
    return -1;
  }
  return fd;
}

int Connect(const char* path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un address = Address(path);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address),
              sizeof address) != 0) {
    std::perror(path);
  }
  return fd;
}

bool SendAll(int fd, const std::string& data) {
  size_t sent = 0;
  while (sent < data.size()) {
    const ssize_t size =
        send(fd, data.data() + sent, data.size() - sent, MSG_NOSIGNAL);
    if (size <= 0) return false;
    sent += static_cast<size_t>(size);
  }
  return true;
}

// Appends `size` bytes; false at the end.
bool ReadInto(int fd, size_t size, std::string& data) {
  const size_t begin = data.size();
  data.resize(begin + size);
  size_t done = 0;
  while (done < size) {
    const ssize_t got = read(fd, data.data() + begin + done, size - done);
    if (got <= 0) return false;
    done += static_cast<size_t>(got);
  }
  return true;
}

void PassOn(int from, int to) {
  std::string chunk;
  std::array<char, 65536> buffer = {};
  for (ssize_t size = 0;
       (size = read(from, buffer.data(), buffer.size())) > 0;) {
    chunk.assign(buffer.data(), static_cast<size_t>(size));
    if (!SendAll(to, chunk)) break;
  }
  shutdown(to, SHUT_WR);
}

std::string Line(const std::string& packet) {
  std::string line = {packet[kLengthSize], ' '};
  for (size_t i = kLengthSize + 1; i < packet.size(); ++i) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(packet[i]);
    line += kDigits[byte >> 4];
    line += kDigits[byte & 15];
  }
  return line + "\n";
}

// Packets: a length (4 bytes, network order), a command byte, data.
void PassPacketsOn(int from, int to, std::FILE* file) {
  std::string packet;
  for (;;) {
    packet.clear();
    uint32_t length = 0;
    if (!ReadInto(from, kLengthSize, packet)) break;
    std::memcpy(&length, packet.data(), kLengthSize);
    if (length == 0 || !ReadInto(from, ntohl(length), packet)) break;
    std::fputs(Line(packet).c_str(), file);
    std::fflush(file);
    if (!SendAll(to, packet)) break;
  }
  shutdown(to, SHUT_WR);
}

void Serve(int client, const char* milter, std::FILE* file) {
  const int server = Connect(milter);
  std::thread commands(PassOn, client, server);
  PassPacketsOn(server, client, file);
  commands.join();
  close(server);
  close(client);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fputs("usage: reply_tap LISTEN MILTER FILE COMMAND...\n", stderr);
    return 2;
  }
  const int listening = Listen(argv[1]);
  std::FILE* file = std::fopen(argv[3], "ae");
  if (listening < 0 || file == nullptr) {
    std::perror("reply_tap");
    return 2;
  }
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    execvp(argv[4], argv + 4);
    std::perror(argv[4]);
    _exit(127);
  }
  std::thread([&] {
    for (int client = 0; (client = accept(listening, nullptr, nullptr)) >= 0;) {
      std::thread(Serve, client, argv[2], file).detach();
    }
  }).detach();
  int status = 0;
  waitpid(child, &status, 0);
  // Connections that the milter still holds end with this process.
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}
