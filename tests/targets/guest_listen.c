/* SPDX-License-Identifier: ISC */
/*
 * A collector that is none: it listens, and tells how many connected and what they sent.
 *   guest_listen PATH UID BACKLOG   never accepts, until the file "go" is there
 * Then it accepts all and counts what lies in the sockets: "connections messages bytes kinds".
 */
#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "guest_look.h"

int main(int argc, char **argv)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
	int peers = 0, messages = 0, odd = 0;
	long bytes = 0;
	int peer;

	if (argc < 4)
		return 2;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", argv[1]);
	/* listen() remembers who called it: that is what samplers ask for. */
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || chmod(argv[1], 0666) < 0 ||
	    (atoi(argv[2]) && seteuid((uid_t)atoi(argv[2])) < 0) || listen(fd, atoi(argv[3])) < 0) {
		perror("guest_listen");
		return 1;
	}
	if (atoi(argv[2]) && seteuid(0) < 0)
		return 1;
	look_make("listening");
	look_for("go");
	while ((peer = accept(fd, NULL, NULL)) >= 0) {
		uint8_t message[16384];
		ssize_t n;

		peers++;
		while ((n = recv(peer, message, sizeof(message), MSG_DONTWAIT)) > 0) {
			messages++;
			bytes += n;
			/* hello, delta, full; compressed or not */
			if ((message[0] & 0x7f) < 1 || (message[0] & 0x7f) > 3)
				odd++;
		}
		close(peer);
	}
	printf("%d connections, %d messages, %ld bytes, %d odd\n", peers, messages, bytes, odd);
	return 0;
}
