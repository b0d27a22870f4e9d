// Package series reads a rotated series of log files in order, from the oldest file
// to the live one, while the logger goes on with it: rotates, compresses and removes.
//
// The logger is never asked and never held up: what there is to know is in the names,
// the inodes and the times of the files. What a Reader has still to read it holds
// open, as far as maxHeld goes, so that neither a compression nor the retention can
// take it away; further files are found again by inode and time, and where the
// retention was faster, that is said with the number of bytes.
//
// Which names belong to a series, and in which order, package rotation says; how
// policies are written, package logrotate.
//
// Everything in a sandbox is the task's to change, and the reader may be root. The
// package follows no link, opens nothing but regular files with one name, never
// blocks on a FIFO, runs no program, and changes nothing.
package series
