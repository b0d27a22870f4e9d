package budget

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestShed(t *testing.T) {
	// A container with files of 10 bytes and a live file of as many.
	takes := func(files int) usage {
		return usage{takenBytes: int64(files+1) * 10, keptBytes: int64(files) * 10, files: files}
	}
	ended := func(files int) usage {
		return usage{takenBytes: int64(files) * 10, keptBytes: int64(files) * 10, files: files, ended: true}
	}
	for _, test := range []struct {
		name   string
		need   int64
		usages []usage
		want   []int
	}{
		{"nothing is needed", 0, []usage{takes(5)}, []int{0}},
		{"nobody has anything", 50, []usage{takes(0), takes(0)}, []int{0, 0}},
		{"the largest gives", 10, []usage{takes(5), takes(9), takes(1)}, []int{0, 1, 0}},
		{"half a file is a file", 11, []usage{takes(9)}, []int{2}},
		{"down to the others", 50, []usage{takes(2), takes(9), takes(3)}, []int{0, 5, 0}},
		{"then in turn", 70, []usage{takes(4), takes(9), takes(4)}, []int{1, 6, 0}},
		{"a last file stays while another has two", 90, []usage{takes(1), takes(9), takes(2)}, []int{0, 8, 1}},
		{"a last file of who has most goes", 10, []usage{{takenBytes: 500, keptBytes: 10, files: 1}, takes(1), takes(1)}, []int{1, 0, 0}},
		{"what it does not have is charged to nobody below its share", 20, []usage{{takenBytes: 500, keptBytes: 10, files: 1}, takes(1), takes(1)}, []int{1, 0, 0}},
		{"nor what it cannot give", 50, []usage{{takenBytes: 500, keptBytes: 490, files: 49, withheld: true}, takes(1), takes(5)}, []int{0, 0, 0}},
		{"who is above the share beside it gives down to that", 480, []usage{{takenBytes: 500, keptBytes: 490, files: 49, withheld: true}, takes(1), takes(5)}, []int{0, 0, 2}},
		{"the last files go, the largest first", 30, []usage{{takenBytes: 50, keptBytes: 10, files: 1}, {takenBytes: 60, keptBytes: 10, files: 1}, takes(1)}, []int{1, 1, 0}},
		{"all go", 1000, []usage{takes(1), takes(9), takes(2)}, []int{1, 9, 2}},
		{"a great live file costs nobody else a file", 10, []usage{{takenBytes: 5000, keptBytes: 10, files: 1}, takes(2)}, []int{1, 0}},
		{"above the share the last file stays while another has two", 10, []usage{{takenBytes: 5000, keptBytes: 10, files: 1}, {takenBytes: 5000, keptBytes: 20, files: 2}, takes(2)}, []int{0, 1, 0}},
		{"who has ended gives the last first", 10, []usage{{takenBytes: 10, keptBytes: 10, files: 1}, {takenBytes: 10, keptBytes: 10, files: 1, ended: true}}, []int{0, 1}},
		{"and has a share like the others", 20, []usage{takes(3), ended(9)}, []int{0, 2}},
		{"empty files free nothing", 10, []usage{{takenBytes: 100, files: 3}, takes(1)}, []int{0, 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			files, freed := planEvictions(test.need, test.usages)
			assert.Equal(t, test.want, files)
			for i, n := range files {
				if test.usages[i].files > 0 {
					assert.Equal(t, test.usages[i].keptBytes/int64(test.usages[i].files)*int64(n), freed[i])
				}
			}
		})
	}
}

// TestShedIsFair has containers of all sizes and takes until half is left: what is
// taken comes from those above the common level alone.
func TestShedIsFair(t *testing.T) {
	var usages []usage
	var total int64
	for i := range 200 {
		u := usage{keptBytes: int64(i) * 100, files: i, takenBytes: int64(i)*100 + 50}
		usages = append(usages, u)
		total += u.takenBytes
	}
	files, _ := planEvictions(total/2, usages)
	level := int64(0)
	for i, u := range usages {
		if files[i] > 0 {
			level = max(level, u.takenBytes-int64(files[i])*100)
		}
	}
	for i, u := range usages {
		left := u.takenBytes - int64(files[i])*100
		assert.LessOrEqual(t, left, level+100, "container %d", i)
		if files[i] > 0 {
			assert.GreaterOrEqual(t, left, level-100, "container %d", i)
		}
	}
}
