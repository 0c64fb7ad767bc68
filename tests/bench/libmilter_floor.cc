#include "tests/bench/libmilter_floor.h"

#include <libmilter/mfapi.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <optional>
#include <string>

#include "tests/bench/reply_record.h"
#include "tests/milter/wire.h"

namespace gate::bench {
namespace {

// Written before libmilter runs, then only read. None: all steps.
std::optional<milter::NegotiationAnswer> wanted;

sfsistat Connect(SMFICTX*, char*, sockaddr*) { return SMFIS_CONTINUE; }
sfsistat Helo(SMFICTX*, char*) { return SMFIS_CONTINUE; }
sfsistat Envelope(SMFICTX*, char**) { return SMFIS_CONTINUE; }
sfsistat Body(SMFICTX*, unsigned char*, size_t) { return SMFIS_CONTINUE; }
sfsistat Plain(SMFICTX*) { return SMFIS_CONTINUE; }

sfsistat Header(SMFICTX*, char*, char*) {
  const bool silent = wanted && (wanted->agreed.steps & SMFIP_NR_HDR) != 0;
  return silent ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

sfsistat Negotiate(SMFICTX* ctx, unsigned long actions, unsigned long,
                   unsigned long, unsigned long, unsigned long* wanted_actions,
                   unsigned long* wanted_steps, unsigned long*,
                   unsigned long*) {
  *wanted_actions = wanted ? wanted->agreed.actions : actions;
  *wanted_steps = wanted ? wanted->agreed.steps : 0;
  if (!wanted) return SMFIS_CONTINUE;
  for (const auto& [place, names] : wanted->macros) {
    std::string copy = names;
    smfi_setsymlist(ctx, place, copy.data());
  }
  return SMFIS_CONTINUE;
}

bool ReadWanted(const std::string& path) {
  const absl::StatusOr<ReplyRecord> record = ReplyRecord::Read(path);
  if (record.ok() && record->AnswerTo('O').size() > 5) {
    wanted =
        milter::ReadNegotiation(std::string(record->AnswerTo('O').substr(5)));
  }
  return wanted.has_value();
}

int Serve(const std::string& path) {
  static char name[] = "floor";
  const smfiDesc description = {
      .xxfi_name = name,
      .xxfi_version = SMFI_VERSION,
      .xxfi_flags =
          SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE | SMFIF_SETSYMLIST,
      .xxfi_connect = Connect,
      .xxfi_helo = Helo,
      .xxfi_envfrom = Envelope,
      .xxfi_envrcpt = Envelope,
      .xxfi_header = Header,
      .xxfi_eoh = Plain,
      .xxfi_body = Body,
      .xxfi_eom = Plain,
      .xxfi_abort = Plain,
      .xxfi_close = Plain,
      .xxfi_unknown = nullptr,
      .xxfi_data = Plain,
      .xxfi_negotiate = Negotiate,
  };
  unlink(path.c_str());
  std::string address = "unix:" + path;
  if (smfi_register(description) != MI_SUCCESS ||
      smfi_setconn(address.data()) != MI_SUCCESS ||
      smfi_opensocket(/*rmsocket=*/false) != MI_SUCCESS) {
    std::fputs("floor: libmilter does not serve\n", stderr);
    return 1;
  }
  std::puts("ready");
  std::fflush(stdout);
  return smfi_main() == MI_SUCCESS ? 0 : 1;
}

}  // namespace

int RunLibmilterFloor(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: %s SOCKET [RECORD]\n", argv[0]);
    return 2;
  }
  if (argc == 3 && !ReadWanted(argv[2])) {
    std::fprintf(stderr, "%s: %s is no record\n", argv[0], argv[2]);
    return 2;
  }
  return Serve(argv[1]);
}

}  // namespace gate::bench
