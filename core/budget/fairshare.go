package budget

import (
	"cmp"
	"slices"
)

// use is what one container takes, as far as the choice of what is deleted needs it.
type usage struct {
	// takenBytes are those of its live and rotated files, keptBytes and files those of
	// the rotated ones alone.
	takenBytes, keptBytes int64
	files                 int
	// ended says that no process of it writes any more.
	ended bool
	// withheld says that it cannot give now: its file system hangs, or it forbids it.
	withheld bool
}

// average is that of its rotated files.
func (u usage) average() int64 { return max(1, u.keptBytes/int64(u.files)) }

// taken is what all take together.
func taken(usages []usage) (bytes int64) {
	for _, u := range usages {
		bytes += u.takenBytes
	}
	return bytes
}

// fairShare is what every container may take so that all take no more than allBytes: who
// takes less leaves the rest to the others, in equal parts. It is at least the number of
// bytes by that of the containers, whatever the others take.
func fairShare(allBytes int64, usages []usage) int64 {
	taken := make([]int64, len(usages))
	for i, u := range usages {
		taken[i] = u.takenBytes
	}
	slices.Sort(taken)
	left := max(0, allBytes)
	for i, bytes := range taken {
		if share := left / int64(len(taken)-i); bytes > share {
			return share
		}
		left -= bytes
	}
	return left
}

// planEvictions tells how many of its oldest rotated files each container gives so that
// needBytes are freed, or as much as there is to be had. Only who has more than its share
// gives, down to that: what another does not give, because it has no rotated file or its
// files cannot be deleted, is not charged to those that take less. The one that takes most
// gives first. No container gives its last rotated file while another that is above the share
// has more, and of the last files those of containers that have ended go first. It is pure.
// freedBytes is what that is by the containers' average files.
func planEvictions(needBytes int64, usages []usage) (files []int, freedBytes []int64) {
	files, freedBytes = make([]int, len(usages)), make([]int64, len(usages))
	if needBytes <= 0 {
		return files, freedBytes
	}
	share := fairShare(taken(usages)-needBytes, usages)
	var givers []int
	for i, u := range usages {
		if u.takenBytes > share && u.files > 0 && u.keptBytes > 0 && !u.withheld {
			givers = append(givers, i)
		}
	}
	// give has a container give so many files, as far as need be.
	give := func(i int, most int64) {
		average := usages[i].average()
		if count := min(most, (needBytes+average-1)/average); count > 0 {
			files[i] += int(count)
			freedBytes[i] += count * average
			needBytes -= count * average
		}
	}
	left := func(i int) int64 { return usages[i].takenBytes - freedBytes[i] }
	mostFirst := func() { slices.SortStableFunc(givers, func(i, j int) int { return cmp.Compare(left(j), left(i)) }) }

	mostFirst()
	for _, i := range givers { // to a file above the share
		give(i, min(int64(usages[i].files-1), (left(i)-share)/usages[i].average()))
	}
	mostFirst()
	for _, i := range givers {
		if left(i) > share && files[i] < usages[i].files-1 {
			give(i, 1)
		}
	}
	for _, ended := range []bool{true, false} {
		for _, i := range givers {
			if usages[i].ended == ended && left(i) > share && files[i] < usages[i].files {
				give(i, 1)
			}
		}
	}
	return files, freedBytes
}
