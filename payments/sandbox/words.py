"""What the hosted page says, in English and in Arabic."""

from __future__ import annotations

ENGLISH = {
    "banner": "Sandbox. This is not a real payment page and no money moves.",
    "title": "Sandbox payment",
    "back": "Back to the shop",
    "test_mode": "Test mode",
    "total": "Due today",
    "pay_with": "Pay with a test card",
    "email": "E-mail",
    "card_number": "Card number",
    "exp": "Expiry",
    "exp_hint": "Month and year, such as 12 / 34.",
    "cvc": "Security code",
    "cvc_hint": "Any 3 or 4 digits.",
    "numbers_only": "Test numbers only. A real card is refused here.",
    "pay": "Pay {amount} in the sandbox",
    "endings": "Which number does what",
    "session": "Session",
    "pays": "It works",
    "generic_decline": "Declined by the bank",
    "insufficient_funds": "Not enough money",
    "expired_card": "Card expired",
    "incorrect_cvc": "Wrong security code",
    "processing_error": "Processing error",
    "declined_title": "The card did not pay. Nothing was charged.",
    "said_generic_decline": "The bank said no. Try another card.",
    "said_insufficient_funds": "There is not enough money on this card. Try another one.",
    "said_expired_card": "This card has expired. Try another one.",
    "said_incorrect_cvc": "The security code is wrong. Check it, or try another card.",
    "said_processing_error": "The card could not be processed just now. Try again in a moment.",
    "wrong_email": "Write an e-mail address, such as you@example.com.",
    "wrong_number": "Test numbers only. Choose one from the list below.",
    "wrong_exp": "Write a month and a year that is still to come, such as 12 / 34.",
    "wrong_cvc": "Write 3 or 4 digits.",
    "expired_head": "This payment page has expired",
    "expired_text": "Nothing was charged. Go back to the shop and start again to get a fresh page.",
    "paid_head": "This has been paid",
    "paid_text": "There is nothing left to do here. The shop has your order.",
    "missing_head": "There is no such page",
    "missing_text": "The address is incomplete, or belongs to another sandbox.",
    "receipt_head": "Receipt over {amount}",
    "receipt_text": "Paid with the test card ending in {last4}. No money moved.",
}

ARABIC = {
    "banner": "بيئة تجريبية. هذه ليست صفحة دفع حقيقية ولا تتحرك فيها أي أموال.",
    "title": "دفع تجريبي",
    "back": "العودة إلى المتجر",
    "test_mode": "وضع الاختبار",
    "total": "المستحق اليوم",
    "pay_with": "ادفع ببطاقة اختبار",
    "email": "البريد الإلكتروني",
    "card_number": "رقم البطاقة",
    "exp": "تاريخ الانتهاء",
    "exp_hint": "الشهر والسنة، مثل 12 / 34.",
    "cvc": "رمز الأمان",
    "cvc_hint": "أي 3 أو 4 أرقام.",
    "numbers_only": "أرقام الاختبار فقط. تُرفض هنا أي بطاقة حقيقية.",
    "pay": "ادفع {amount} في البيئة التجريبية",
    "endings": "ماذا يفعل كل رقم",
    "session": "الجلسة",
    "pays": "ينجح الدفع",
    "generic_decline": "يرفضه البنك",
    "insufficient_funds": "الرصيد غير كافٍ",
    "expired_card": "البطاقة منتهية",
    "incorrect_cvc": "رمز الأمان خاطئ",
    "processing_error": "خطأ في المعالجة",
    "declined_title": "لم تنجح البطاقة. لم يُخصم أي مبلغ.",
    "said_generic_decline": "رفض البنك الدفع. جرّب بطاقة أخرى.",
    "said_insufficient_funds": "لا يوجد رصيد كافٍ في هذه البطاقة. جرّب بطاقة أخرى.",
    "said_expired_card": "انتهت صلاحية هذه البطاقة. جرّب بطاقة أخرى.",
    "said_incorrect_cvc": "رمز الأمان خاطئ. تحقق منه أو جرّب بطاقة أخرى.",
    "said_processing_error": "تعذرت معالجة البطاقة الآن. حاول مرة أخرى بعد قليل.",
    "wrong_email": "اكتب عنوان بريد إلكتروني، مثل you@example.com.",
    "wrong_number": "أرقام الاختبار فقط. اختر رقمًا من القائمة أدناه.",
    "wrong_exp": "اكتب شهرًا وسنة لم يمضيا بعد، مثل 12 / 34.",
    "wrong_cvc": "اكتب 3 أو 4 أرقام.",
    "expired_head": "انتهت صلاحية صفحة الدفع هذه",
    "expired_text": "لم يُخصم أي مبلغ. عُد إلى المتجر وابدأ من جديد لتحصل على صفحة جديدة.",
    "paid_head": "تم الدفع",
    "paid_text": "لا شيء آخر لتفعله هنا. طلبك لدى المتجر.",
    "missing_head": "لا توجد صفحة كهذه",
    "missing_text": "العنوان ناقص أو يخص بيئة تجريبية أخرى.",
    "receipt_head": "إيصال بمبلغ {amount}",
    "receipt_text": "دُفع ببطاقة الاختبار المنتهية بالرقم {last4}. لم تتحرك أي أموال.",
}


def language(locale: str | None, accepted: str | None) -> str:
    """``ar`` or ``en``: what the session says, or what the browser likes best when the session leaves it open."""
    wish = locale if locale not in (None, "auto") else (accepted or "")
    return "ar" if (wish or "").lower().startswith("ar") else "en"


def spoken(code: str) -> dict[str, str]:
    """The texts of a language."""
    return ARABIC if code == "ar" else ENGLISH
