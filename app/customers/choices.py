"""First values of the customer lists (product.md 4.3); the administrator keeps them afterwards."""
from app.core.choices import declare, fixed
from app.core.words import _l

declare("customer_type", _l("Customer type"), [
    ("end", "最终客户", "End customer"), ("agent", "代理商", "Agent"), ("partner", "合作伙伴", "Partner"),
    ("supplier", "供应商", "Supplier"), ("rival", "竞争对手", "Competitor")])
declare("customer_level", _l("Customer level"), [
    ("A", "A(重点客户)", "A (key)", "violet"), ("B", "B(普通客户)", "B (normal)", "blue"),
    ("C", "C(非优先客户)", "C (low)", "grey")], steers=True)
declare("customer_status", _l("Customer status"), [
    ("potential", "潜在客户", "Potential", "grey"), ("interested", "意向客户", "Interested", "cyan"),
    ("won", "成交客户", "Customer", "green"), ("lost", "流失客户", "Lost", "amber")], steers=True)
declare("customer_source", _l("Customer source"), [
    ("promotion", "促销", "Promotion"), ("search", "搜索引擎", "Search engine"), ("advert", "广告", "Advertisement"),
    ("referral", "转介绍", "Referral"), ("signup", "线上注册", "Online sign-up"), ("inquiry", "线上询价", "Online inquiry"),
    ("visit", "预约上门", "Visit by appointment"), ("cold", "陌拜", "Cold visit"), ("call", "电话咨询", "Phone inquiry"),
    ("mail", "邮件咨询", "E-mail inquiry")])
declare("industry", _l("Industry"), [
    ("it", "IT", "IT"), ("finance", "金融业", "Finance"), ("estate", "房地产", "Real estate"),
    ("service", "商业服务", "Business services"), ("logistics", "运输/物流", "Transport and logistics"),
    ("production", "生产", "Manufacturing"), ("government", "政府", "Government"), ("media", "文化传媒", "Media"),
    ("education", "教育", "Education"), ("medical", "医疗", "Health"), ("retail", "零售", "Retail"), ("other", "其他", "Other")])
declare("company_size", _l("Company size"), [
    ("s1", "20人以下", "Under 20"), ("s2", "20-99人", "20-99"), ("s3", "100-499人", "100-499"),
    ("s4", "500-999人", "500-999"), ("s5", "1000人以上", "1,000 or more")])
declare("ownership", _l("Kind of owner"), [
    ("state", "国企", "State-owned"), ("private", "民企", "Private"), ("foreign", "外资", "Foreign"),
    ("public", "事业单位", "Public institution")])
declare("follow_method", _l("Follow-up method"), [
    ("call", "打电话", "Call"), ("mail", "发邮件", "E-mail"), ("sms", "发短信", "Text message"),
    ("visit", "见面拜访", "Visit"), ("event", "活动", "Event"), ("wechat", "微信沟通", "WeChat")])
declare("contact_role", _l("Role in buying"), [
    ("decides", "决策人", "Decides"), ("influences", "影响人", "Influences"), ("uses", "使用人", "Uses"),
    ("buys", "采购", "Buys"), ("finance", "财务", "Finance")])
declare("follow_phrase", _l("Usual phrase"), [
    ("quoted", "已发送报价，等待客户反馈。", "Quote sent, waiting for the answer."),
    ("busy", "客户在忙，约好改天再联系。", "Busy; will call another day."),
    ("interested", "客户有意向，需要进一步介绍产品。", "Interested, wants to know more.")])
fixed("deal_state", [("no", _l("Not won yet"), "grey"), ("yes", _l("Won"), "green")])
fixed("followed", [("no", _l("Not followed up"), "grey"), ("yes", _l("Followed up"), "green")])
