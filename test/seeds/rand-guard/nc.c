/* The two uses of nc that rand-guard's articles show: `nc -l ADDRESS PORT` prints what one connection sends, `nc ADDRESS
 * PORT` sends its input. A real one may be missing, and its versions take other options. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int copy(int from, int to)
{
	char buffer[4096];
	ssize_t size;

	while ((size = read(from, buffer, sizeof(buffer))) > 0)
		if (write(to, buffer, size) != size)
			return 1;
	return size < 0;
}

int main(int argc, char **argv)
{
	int listens = argc == 4 && strcmp(argv[1], "-l") == 0;
	struct sockaddr_in address = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (argc != 3 + listens || inet_pton(AF_INET, argv[argc - 2], &address.sin_addr) != 1)
		return 2;
	address.sin_port = htons(atoi(argv[argc - 1]));
	if (!listens)
		return connect(fd, (struct sockaddr *)&address, sizeof(address)) || copy(0, fd);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 1))
		return 1;
	return copy(accept(fd, NULL, NULL), 1);
}
