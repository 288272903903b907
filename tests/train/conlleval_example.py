"""The example on the page of the program conlleval, which the CoNLL-2000 shared task on chunking was judged by.

The tags of its 40 sentences, a letter each, without the words. Its page says: "processed 961 tokens with 459 phrases;
found: 539 phrases; correct: 371"; precision 68.83%, recall 80.83%, FB1 74.35.
"""

LETTERS = dict(
    zip(
        "abcdefghij",
        ["B-ADJP", "B-ADVP", "B-NP", "B-PP", "B-SBAR", "B-VP", "I-ADJP", "I-NP", "I-VP", "O"],
        strict=True,
    )
)

TRUTH = (
    "chhchhfcfchhfchdchfichdcchhj cfchfecfichhhdchj cfjdchjchchhhjchhjchjchhdchjchhhj dchhjcfjcfiicdchdcj "
    "cjfdchjcjfchhhhhhhhj chhfidchhchjfchfdchdchchj chjchajfdchdchhj dcjcfchdchdchjchhhj chhhj "
    "chhjchajficjchhdchjchhhhhdchhhhhj cjcfcdchjfchfiij chfichhdcj dcdchhhhhhjchfcdcjchj chfiidchjcjcfdchhhj "
    "cfagdchhj chhjfchhhhjfchhdchhjjchchj chbjchhfcdchhjjchchj dchhjcfchdchhjjchchjdcdchhjjchchjdchhj "
    "chfcfchhdchhdfchhjfchhhhhhdchhj dchhjcfjcfchdchhdchj chfchdchdchdchhhjfchhdchj "
    "dcdchhjchhfchhdchhfchhhdchjchjjcfchhhhdchhhjfchechfichj cfjchhhdchdchhj fdcfdcchjchhjjchhhjchhj "
    "dchchhhfchfjchhfchjchhhfchhhfiiecdcjcchhjfchdchhfidchj jcchjcfichhchdchhjfdccfiijchhhhdcfbdchchj "
    "bchdchfchjbjcchj bechfchhdchchjchhfiichhhcecfiidchhj chfchhjfcfichdchcj dchhhjcfchhhj dcchdcjcfadchhhhj "
    "dcjchjchajfchj cfchhhdchjchdchhdchhhjjcfcchhhhbcfcj chhfchjdchhhj chhhhfiicbjdachhjfibchdcj "
    "cfcchhhficddchjjcfichdchchdchhhj chfchhjfcfichdchcj cfdchhhhdchhhjjchhhdcchj "
    "dchhhhchhfiiidchjcfiidchchhhjfcdchdcffichechfichj cchfcjjchjchd "
)

FOUND = (
    "hhhchhfcfchhfchdhhdihhdhchhj hfchfdcdihchhdchj cfjdchjchcchhjcchjhhjhhhdchjchhhj dchhjhfjcfbfhdchdhj "
    "hjfdchjcjfchjhjhjhhj chhfidchhchjfchfdchdchccj chjchhjfdhhdchhj dcjcfchdhcdhhjchhhj hhhhj "
    "hhhjchhjfihjchhdhhjchjhjhdcchhhhj hjcfhdhhjfchfhfj chfihhhdhj dcdchhhjhhjchfhdhjhhj chfiidhhjcjcfdchhhj "
    "cfdhdchhj cchjffhhhhjfcchdchhjjchchj chbjchhfhdcchjjchchj dchhjcfchdchhjjchchjdhdchhjjchchjdchhj "
    "ccfcfchhdchhdichhjfchhjhhhdcchj dchcjcfjcfhhdchhdchj chfchdchdchdhhhhjfcchdchj "
    "dcdcfhjchhfchhdchhfhjchdhhjcfjjcfcchhhdihhhjfccechffchj hficchcdchdchhj fdcfdcccjchhjjcchhjchhj "
    "dchchhhfchfjhhhfchjchjhfchhhfdfdhdcjhchhjfchdchhdidchj dcchjcficchhhdchhjfdccfiiichjhhdciddchchj "
    "bhhdchfchjbfcchj eechfchhdchchjcchfbicchhcdcfdidchhj chfhchjfhdichdchcj dcchhjcfcchhj dcchdhjcfhdchchhj "
    "dcjchjchhjfchj cfccchdchjchdhhhdcchhjjcfccchhhbcfcj chhfchjdcchhj chhchfiihgjdhchhjdibchdhj "
    "hfccchhdicbdchjjcfichdchchdcchhj chfhchjfhdichdcccj cfdchchhdcchhjjbchhdcchj "
    "dchchhcchfididchjcfdidchbchhjfcdccdhfdihhbchfichj hchfcjjchjhhd "
)

#: Found, and precision and recall in percent, as the page has them.
PUBLISHED = {
    "ADJP": (1, 0.00, 0.00),
    "ADVP": (11, 45.45, 62.50),
    "NP": (317, 64.98, 78.63),
    "PP": (107, 83.18, 98.89),
    "SBAR": (3, 66.67, 33.33),
    "VP": (100, 69.00, 79.31),
}


def sentences(letters: str) -> list[list[str]]:
    """Return the tags of each sentence."""
    return [[LETTERS[letter] for letter in sentence] for sentence in letters.split()]
