/*
 * Writes one file and ends: `writer FILE MICROSECONDS` lives for about that long, half of it before the write. `writer FILE
 * MICROSECONDS fork` has a child of its own do it, which runs no other program.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void rest(long microseconds) {
  struct timespec time = {microseconds / 1000000, microseconds % 1000000 * 1000};
  if (microseconds > 0) nanosleep(&time, NULL);
}

int main(int count, char **arguments) {
  if (count < 3) return 2;
  if (count > 3) {
    pid_t child = fork();
    if (child > 0) return waitpid(child, NULL, 0) == child ? 0 : 1;
  }
  long microseconds = atol(arguments[2]);
  rest(microseconds / 2);
  int file = open(arguments[1], O_CREAT | O_WRONLY | O_TRUNC, 0600);
  if (file < 0 || write(file, "x", 1) != 1) return 1;
  close(file);
  rest(microseconds - microseconds / 2);
  return 0;
}
