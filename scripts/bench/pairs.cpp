// What short exchanges over TCP cost: one byte asked and answered, over one connection or over a new one each time.
//   pairs serve ADDRESS PORT                    prints "ready" once it listens; one thread for each connection
//   pairs requests|connects ADDRESS PORT SECONDS    prints how many there were in a second
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace {

constexpr int SILENCE_SECONDS = 5;
constexpr int BACKLOG = 128;

[[noreturn]] void fail(const char* what) {
  perror(what);
  exit(1);
}

int tcp_socket() {
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  if (fd < 0) fail("socket");
  timeval silence{SILENCE_SECONDS, 0};
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof silence);
  return fd;
}

void answer(int fd) {
  char byte;
  while (recv(fd, &byte, 1, 0) == 1 && send(fd, &byte, 1, MSG_NOSIGNAL) == 1) {}
  close(fd);
}

[[noreturn]] void serve(const sockaddr_in& address) {
  int listener = tcp_socket(), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  timeval never{0, 0};
  setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &never, sizeof never);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("bind");
  if (listen(listener, BACKLOG) != 0) fail("listen");
  puts("ready");
  fflush(stdout);
  for (;;) {
    int fd = accept(listener, nullptr, nullptr);
    if (fd < 0) continue;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::thread(answer, fd).detach();
  }
}

int connected(const sockaddr_in& address) {
  int fd = tcp_socket();
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("connect");
  return fd;
}

void ask(int fd) {
  char byte = 'a';
  if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1) fail("send");
  if (recv(fd, &byte, 1, 0) != 1) fail("recv");
}

double measure(const sockaddr_in& address, bool anew, double seconds) {
  using Clock = std::chrono::steady_clock;
  // Ends by a reset: thousands of connections that linger would be measured, too.
  linger at_once{1, 0};
  int fd = anew ? -1 : connected(address);
  auto began = Clock::now();
  std::chrono::duration<double> passed{0};
  long count = 0;
  for (; passed.count() < seconds; passed = Clock::now() - began, count++) {
    if (anew) fd = connected(address);
    ask(fd);
    if (!anew) continue;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
  }
  return static_cast<double>(count) / passed.count();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return fputs("pairs: serve ADDRESS PORT | requests|connects ADDRESS PORT SECONDS\n", stderr), 2;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(atoi(argv[3])));
  if (inet_pton(AF_INET, argv[2], &address.sin_addr) != 1) return fputs("pairs: no IPv4 address\n", stderr), 2;
  if (strcmp(argv[1], "serve") == 0) serve(address);
  if (argc < 5) return fputs("pairs: for how many seconds?\n", stderr), 2;
  printf("%.1f\n", measure(address, strcmp(argv[1], "connects") == 0, atof(argv[4])));
  return 0;
}
