package compress

import (
	"io"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// resettable is an encoder that can be used again.
type resettable interface {
	io.WriteCloser
	Reset(io.Writer)
}

// pool keeps encoders that are not in use, by level, until the garbage collector has come by
// twice: made anew for each file, they were most of its work.
type pool[E resettable] struct{ byLevel sync.Map }

// take gives an encoder that writes to out, and the function that gives it back.
func (p *pool[E]) take(out io.Writer, level int, anew func() (E, error)) (io.WriteCloser, func(), error) {
	kept, _ := p.byLevel.LoadOrStore(level, &sync.Pool{})
	free := kept.(*sync.Pool)
	encoder, ok := free.Get().(E)
	if ok {
		encoder.Reset(out)
	} else {
		var err error
		if encoder, err = anew(); err != nil {
			return nil, nil, err
		}
	}
	return encoder, func() {
		encoder.Reset(nil) // it no longer holds the output
		free.Put(encoder)
	}, nil
}

var (
	gzips         pool[*gzip.Writer]
	zstds, smalls pool[*zstd.Encoder]
)

// mostLarge is how many encoders of zstd's highest levels, 10 and above, exist at a time:
// each takes 43 MB. Files beyond those get the next lower level, which takes a fraction with
// a small window and makes longer files: otherwise a file of high priority might have to wait
// for one of low priority.
const (
	mostLarge        = 2
	smallWindowBytes = 1 << 20
)

var large atomic.Int64

func zstdEncoder(out io.Writer, level zstd.EncoderLevel) (encoder io.WriteCloser, release func(), err error) {
	done, of, options := func() {}, &zstds, []zstd.EOption{zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true)}
	if level >= zstd.SpeedBestCompression {
		done = sync.OnceFunc(func() { large.Add(-1) })
		if large.Add(1) > mostLarge {
			done()
			level, of = zstd.SpeedBetterCompression, &smalls
			options = append(options, zstd.WithWindowSize(smallWindowBytes))
		}
	}
	encoder, keep, err := of.take(out, int(level), func() (*zstd.Encoder, error) {
		return zstd.NewWriter(out, append(options, zstd.WithEncoderLevel(level))...)
	})
	if err != nil {
		done()
		return nil, nil, err
	}
	return &counted{encoder, done}, keep, nil
}

// counted is an encoder that is counted until it is closed.
type counted struct {
	io.WriteCloser
	done func()
}

func (c *counted) Close() error {
	defer c.done()
	return c.WriteCloser.Close()
}
