/* SPDX-License-Identifier: ISC */
/* What mstatd's files share, and nobody else needs. */
#ifndef MSTAT_COLLECTOR_DAEMON_INTERNAL_H
#define MSTAT_COLLECTOR_DAEMON_INTERNAL_H

#include <stdbool.h>
#include <sys/socket.h>

#include "collector/control.h"
#include "collector/daemon.h"
#include "collector/proxy.h"
#include "collector/recorder.h"
#include "collector/store.h"
#include "collector/stranger.h"
#include "collector/teller.h"

/* Cgroups that were given, and are to be removed when they are empty. */
#define DAEMON_GRANTS_MAX 1024
#define DAEMON_WHY_MAX	  320
/* At a time, for all. */
#define DAEMON_GRANTING_MAX 8
/* How far up a process's parents are looked at. */
#define DAEMON_ANCESTORS_MAX 64
#define DAEMON_SAID_MAX	     32

/* A process's parent, that one's, and so on. */
struct ancestry {
	pid_t pid[DAEMON_ANCESTORS_MAX];
	size_t count;
};

/* One who has connected: an mstat, one of our recorders, or somebody who has not said what he is. */
struct link {
	struct teller teller; /* first; its fd is owned */
	struct daemon *daemon;
	struct link *next, *prev;
	sd_event_source *io; /* owned */
	uint64_t since_ns;
	pid_t pid;
	gid_t gid;
	int pidfd;	       /* owned: of the peer; -1: there is none */
	bool is_guarded;       /* stranger.h */
	bool is_open;	       /* it is an mstat, or a recorder */
	bool is_given;	       /* its recorder has it now */
	bool is_leaving;       /* a recorder without a link, which has not exited yet */
	bool is_reaped;	       /* one that has */
	bool wants_list;       /* in the next second */
	unsigned asks;	       /* in this second */
	pid_t recorder;	       /* whose it is; 0: it is no recorder's */
	struct recorder given; /* of a recorder */
	struct ancestry *up;   /* owned: of a recorder, of whom it was made for */
	/* Of a recorder: samplers that it has no room for yet, the first and where the next one is put. */
	struct link *waiting, **waiting_end;
	sd_event_source *room; /* owned: on while there are some */
	/* Of such a sampler: whose it will be, and its hello, owned. */
	struct link *taker, *next_waiting;
	uint8_t *hello;
	size_t hello_len;
	uint64_t stuck_ns; /* of a recorder: since when it has had no room; 0: it has */
	uint64_t asked;	   /* the newest CONTROL_SETTLE; the teller's question once all is heard */
	pid_t granting;	   /* the child that makes a cgroup for it; 0: none */
	int grant_fd;	   /* owned: that tells of it */
	sd_event_source *grant_io; /* owned */
};

/* What takes more than a moment, and is counted by second. */
enum daemon_cost { DAEMON_RUN, DAEMON_HEAR, DAEMON_LOOK, DAEMON_MORE, DAEMON_LIST, DAEMON_COSTS };

struct spender {
	uid_t uid;
	unsigned spent[DAEMON_COSTS];
	bool has_looked; /* for room: */
	int room_error;
	uint64_t taken_bytes;
	struct spender *next;
};

/* What was said of a user, not to say it again soon. */
struct said {
	uid_t uid;
	const char *why; /* static */
	uint64_t at_ns;
};

/* A child that makes a cgroup; its link may be gone. */
struct granting {
	pid_t pid; /* 0: none */
	uid_t uid;
	uint64_t since_ns;
};

struct grant_left {
	char *dir; /* owned */
};

struct daemon {
	struct daemon_config config;
	sd_event *event; /* borrowed */
	sd_event_source *listen, *tell, *soon, *second, *child;
	struct store *store;
	struct lifecycle *lives; /* owned; NULL: nothing is heard */
	struct kin *kin;
	struct proxy proxy;
	struct link *links;
	struct stranger_grave grave;
	size_t link_count, link_max;
	size_t run_count;	  /* of all users but root */
	struct spender *spenders; /* owned list, of this second */
	struct granting granting[DAEMON_GRANTING_MAX];
	pid_t remover; /* the child that removes cgroups; 0: none */
	struct grant_left left[DAEMON_GRANTS_MAX];
	size_t left_count;
	unsigned seconds, idle; /* how long nobody has been there */
	bool is_full, is_soon;
	char lacks[DAEMON_WHY_MAX];
	struct said said[DAEMON_SAID_MAX];
};

/* Ours, for root has more of all that a user has. */
size_t daemon_at_most(uid_t uid, size_t max);

/* How many more there may be. */
size_t daemon_links_left(const struct daemon *d);

/* What a user may have of something: so much, but no more than an eighth of what is left for all, and one. */
size_t daemon_share(uid_t uid, size_t max, size_t left);

/* Tells the operator why something of that user's is not recorded; the same not twice in a minute. why is static. */
void daemon_say(struct daemon *d, uid_t uid, const char *why);
uint64_t daemon_now_ns(void);

/* How many links of that kind a user has. */
size_t daemon_count_links(const struct daemon *d, uid_t uid, bool is_open, bool is_recorder);

/* fd and pidfd are the link's, or closed where there is none: NULL. */
struct link *daemon_add_link(struct daemon *d, int fd, int pidfd, const struct ucred *cred);
void daemon_end_link(struct link *link);

/* What the user has spent in this second; NULL: no memory. */
struct spender *daemon_spender(struct daemon *d, uid_t uid);

/* Whether the user may have one more of that in this second; it is counted. */
bool daemon_may_spend(struct daemon *d, uid_t uid, enum daemon_cost cost);

/* Whether the process that connected is there still: else its pid may be another's. */
bool daemon_is_there(const struct link *link);

/* text may be NULL. */
int daemon_answer(struct link *link, enum control_kind kind, uint64_t number, const char *text);

/*
 * daemon_tell.c: what the kernel tells of processes, to those whose they are. It is listened to while somebody is
 * there.
 */
int daemon_start_telling(struct daemon *d);
void daemon_listen(struct daemon *d);
/* Once a second. */
void daemon_stop_listening(struct daemon *d);
/* Takes in what has been told up to now. */
void daemon_hear(struct daemon *d);
/* Sends what is queued for it; ends a link that does not read. */
void daemon_flush(struct link *link);
/* Requests. An error ends the link. */
int daemon_follow(struct link *link);
int daemon_settle(struct link *link, uint64_t question);
int daemon_ask(struct link *link, uint64_t pid);

/* daemon_grant.c: a cgroup for the peer. An error ends the link. */
int daemon_place(struct link *link);
void daemon_end_granting(struct link *link);
/* Ends children that take too long, and has what is empty removed. */
void daemon_tend_grants(struct daemon *d, uint64_t now_ns);
/* Whether it was one of its children. */
bool daemon_grant_ended(struct daemon *d, pid_t pid);
void daemon_free_grants(struct daemon *d);

/*
 * daemon_runs.c: the runs without a launcher. A sampler's first message, whose connection is its recorder's
 * from then on; the others answer requests. An error ends the link.
 */
int daemon_hand_over(struct link *from, const uint8_t *message, size_t len);
/* The link ends: it waits for no recorder any more, and nobody for it. */
void daemon_leave_queue(struct link *link);
int daemon_list(struct link *link);
/* Those that were put off to this second. */
int daemon_list_late(struct link *link);
int daemon_read(struct link *link, const struct control_message *message);
int daemon_more(struct link *link);

#endif
